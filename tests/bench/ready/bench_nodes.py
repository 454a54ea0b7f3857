"""Where the contestants play: a source and a replica of one flavour, as new each time, and a handle that both tell."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

from guestagent.embedded.database_servers import Flavour
from tests.support import cfn_signal_server
from tests.support.database_servers import DatabaseServer, install_data_directory, open_server

SOURCE, REPLICA = "source", "replica"
ROLES = (SOURCE, REPLICA)
USER, PASSWORD = "slave0000", "correct horse battery"
READ_ONLY_VARIABLES = {"mariadb": "read_only", "mysql": "super_read_only"}
ROWS = ("CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY)", "INSERT INTO d.t VALUES (1), (2), (3)")
SUCCESS_TIMEOUT_S = 60.0
ROOT = Path(__file__).parents[3]
MOUNT_SCRIPT = """\
mount --bind "$0" /var/lib
mount -t tmpfs none /run
for folder in /etc/guestagent /etc/mysql /etc/my.cnf.d; do [ ! -d $folder ] || mount -t tmpfs none $folder; done
mkdir /run/mysqld
ln -s "$1" /run/mysqld/mysqld.sock
echo ready
exec cat
"""


@dataclass(frozen=True, slots=True)
class BenchNode:
    """One node: its server, a folder for whoever works on it, and what it shall become.

    `port` is the source's. The `handle` is a URL. `within` is what a command begins with that runs on this node.
    """

    server: DatabaseServer
    folder: Path
    role: str
    port: int
    handle: str
    command_prefix: tuple[str, ...]

    @property
    def server_id(self) -> int:
        return 71 + ROLES.index(self.role)

    def build_document(self, encrypted: bool = False) -> dict[str, Any]:
        """Of a channel in clear, as the script's is; or of one that the agent encrypts where the source offers it."""
        user = {"name": USER, "password": PASSWORD}
        way = {"Master": {"Address": "127.0.0.1", "Port": self.port, "User": user}}
        section: dict[str, Any] = {
            "Node": self.role,
            "ServerId": self.server_id,
            "Deadline": int(SUCCESS_TIMEOUT_S),
        }
        if not encrypted:
            section["TLS"] = {"Required": False}
        return {
            "ReadyWaitCondition": self.handle,
            **({"Users": [user]} if self.role == SOURCE else way),
            "GuestAgent": section,
        }


@dataclass(frozen=True, slots=True)
class ReceivedSuccess:
    """A SUCCESS with its data; `at` is when it had come (monotonic)."""

    received_at: float
    data: Any


@dataclass(frozen=True, slots=True)
class BenchPair:
    flavour: Flavour
    servers: tuple[DatabaseServer, DatabaseServer]
    heat: cfn_signal_server.CfnSignalServer
    folder: Path

    @contextmanager
    def open_nodes(self) -> Iterator[dict[str, BenchNode]]:
        """A source and a replica that nobody has touched. There is something to replicate once `written` is called."""
        self.heat.requests.clear()
        with tempfile.TemporaryDirectory(dir=self.folder) as name, ExitStack() as stack:
            made = {}
            for role, server in zip(ROLES, self.servers, strict=True):
                server.reset().execute(f"SET GLOBAL {READ_ONLY_VARIABLES[self.flavour.family]} = 1")
                folder = Path(name) / role
                folder.mkdir()
                within = stack.enter_context(mount_image_files(folder, server.socket))
                port = self.servers[0].port
                made[role] = BenchNode(server, folder, role, port, self._handle(role), within)
            yield made

    def wait_for_success(self, role: str, until: float) -> ReceivedSuccess | None:
        """What the handle of this role was told; None where it was told nothing by then."""
        while time.monotonic() < until:
            for heard in self.heat.requests:
                if f"/{role}?" in heard.request_line:
                    signal = json.loads(heard.body)
                    assert signal["Status"] == "SUCCESS", heard.body
                    return ReceivedSuccess(heard.received_at, signal["Data"])
            time.sleep(0.01)
        return None

    def _handle(self, role: str) -> str:
        stamp = quote(f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}")
        return f"{self.heat.address}/v1/waitcondition/{role}?Timestamp={stamp}&Signature=s"


@contextmanager
def mount_image_files(folder: Path, socket: str) -> Iterator[tuple[str, ...]]:
    """The files of an image stand where they stand there, so that the agent needs no configuration, as there.

    What this machine has of the agent's and of servers' configuration is hidden: there is no option file to keep.
    """
    words = (
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "--",
        "sh",
        "-ec",
        MOUNT_SCRIPT,
        str(folder),
        socket,
    )
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        yield ("nsenter", f"--mount=/proc/{holder.pid}/ns/mnt", f"--wdns={ROOT}", "--")
        holder.terminate()


def insert_rows(source: BenchNode) -> None:
    """What the replica has to catch up with."""
    source.server.execute(*ROWS)


def has_caught_up(replica: BenchNode) -> bool:
    return replica.server.query_value("(SELECT COUNT(*) FROM d.t)") == "3"


@contextmanager
def open_pair(flavour: Flavour) -> Iterator[BenchPair]:
    options = (
        "server-id=1",
        "skip-slave-start=1",
        f"{READ_ONLY_VARIABLES[flavour.family].replace('_', '-')}=1",
    )
    with tempfile.TemporaryDirectory(prefix="ready-") as name, cfn_signal_server.open_signal_server() as heat:
        folder = Path(name)
        template = install_data_directory(folder / "template", flavour)
        with (
            open_server(folder / "a", template, *options, flavour=flavour) as one,
            open_server(folder / "b", template, *options, flavour=flavour) as two,
        ):
            yield BenchPair(flavour, (one, two), heat, folder)
