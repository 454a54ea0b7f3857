"""The nodes of the bench: a source and a replica of one flavour, reset for each run, and a server for handles."""

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
from tests.support.database_servers import (
    READ_ONLY_VARIABLES,
    DatabaseServer,
    install_data_directory,
    open_server,
)

SOURCE, REPLICA = "source", "replica"
ROLES = (SOURCE, REPLICA)
USER, PASSWORD = "slave0000", "correct horse battery"
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
    """One node: its server, a folder for the contestant, and its role.

    `port` is the source's. The `handle` is a URL. `command_prefix` are the words that run a command on this node.
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
        """Build the node's document: with an unencrypted channel like the script's, or with TLS if it is offered."""
        user = {"name": USER, "password": PASSWORD}
        source_section = {"Master": {"Address": "127.0.0.1", "Port": self.port, "User": user}}
        section: dict[str, Any] = {
            "Node": self.role,
            "ServerId": self.server_id,
            "Deadline": int(SUCCESS_TIMEOUT_S),
        }
        if not encrypted:
            section["TLS"] = {"Required": False}
        return {
            "ReadyWaitCondition": self.handle,
            **({"Users": [user]} if self.role == SOURCE else source_section),
            "GuestAgent": section,
        }


@dataclass(frozen=True, slots=True)
class ReceivedSuccess:
    """A SUCCESS with its data, and when it was received (monotonic seconds)."""

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
        """Yield a source and a replica without data. `insert_rows` writes rows to replicate."""
        self.heat.requests.clear()
        with tempfile.TemporaryDirectory(dir=self.folder) as name, ExitStack() as stack:
            nodes = {}
            for role, server in zip(ROLES, self.servers, strict=True):
                server.reset().execute(f"SET GLOBAL {READ_ONLY_VARIABLES[self.flavour.family]} = 1")
                folder = Path(name) / role
                folder.mkdir()
                command_prefix = stack.enter_context(mount_image_files(folder, server.socket))
                port = self.servers[0].port
                nodes[role] = BenchNode(server, folder, role, port, self._handle(role), command_prefix)
            yield nodes

    def wait_for_success(self, role: str, until: float) -> ReceivedSuccess | None:
        """Wait for the SUCCESS of a role; return None if none arrives before the deadline."""
        while time.monotonic() < until:
            for request in self.heat.requests:
                if f"/{role}?" in request.request_line:
                    signal = json.loads(request.body)
                    assert signal["Status"] == "SUCCESS", request.body
                    return ReceivedSuccess(request.received_at, signal["Data"])
            time.sleep(0.01)
        return None

    def _handle(self, role: str) -> str:
        stamp = quote(f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}")
        return f"{self.heat.address}/v1/waitcondition/{role}?Timestamp={stamp}&Signature=s"


@contextmanager
def mount_image_files(folder: Path, socket: str) -> Iterator[tuple[str, ...]]:
    """Mount the files of an image at their usual paths, so that the agent needs no configuration.

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
    """Insert the rows that the replica has to apply."""
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
