"""A source and a replica of one flavour, each with an agent beside it, in two namespaces with a wire between."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from guestagent.embedded.database_servers import Flavour
from tests.support.database_servers import DatabaseServer, open_server
from tests.support.network_link import NetworkLink, open_network_link

PASSWORD = "correct horse battery"
USER = "slave0000"
DEADLINE_S = 4
SLACK_S = 60.0  # seconds beyond its deadline in which a pass must have ended, on a machine that is busy
INVALID_INPUT = 2
IMAGE_OPTIONS = {
    "mariadb": ("binlog-format=ROW", "slave-net-timeout=4", "gtid-strict-mode=ON"),
    "mysql": ("replica-net-timeout=4",),
}


@dataclass(frozen=True, slots=True)
class ApplyAnswer:
    """What `guestagent apply --json` answered."""

    code: int
    answer: Mapping[str, Any]

    @property
    def is_invalid(self) -> bool:
        return self.code == INVALID_INPUT

    @property
    def is_ready(self) -> bool:
        return self.answer.get("state") == "ready"

    @property
    def is_final(self) -> bool:
        return bool(self._conditions) and self._conditions[0]["state"] == "final"

    @property
    def worst_condition(self) -> str:
        """The name of the worst condition; "" where all hold, or nothing was looked at."""
        return "" if self.is_ready or self.is_invalid else str(self._conditions[0]["name"])

    @property
    def reason(self) -> str:
        """What was said of it."""
        if self.is_invalid:
            return str(self.answer["error"]["message"])
        if self.is_ready:
            return ""
        first = self._conditions[0]
        return f"{first['seen']}; {first['do']}" if first["do"] else str(first["seen"])

    @property
    def _conditions(self) -> list[Mapping[str, str]]:
        found: list[Mapping[str, str]] = self.answer.get("conditions", [])
        return found


@dataclass
class Node:
    """A server, and the folder in which its agent keeps what it must not forget."""

    server: DatabaseServer
    folder: Path

    def apply(self, document: Mapping[str, Any]) -> ApplyAnswer:
        """A pass to its end; AssertionError where it hangs beyond its deadline."""
        return self.wait_for_answer(self.start_apply(document), document["GuestAgent"]["Deadline"])

    def start_apply(self, document: Mapping[str, Any]) -> subprocess.Popen[str]:
        """A pass that goes on while the test does something else."""
        path = self.folder / "document.json"
        path.write_text(json.dumps(document))
        words = (
            "apply",
            "--no-signal",
            "--json",
            "--metadata",
            str(path),
            "--config",
            str(self.write_config()),
        )
        return subprocess.Popen(
            (*self.command_prefix, sys.executable, "-m", "guestagent", *words),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for_answer(self, passing: subprocess.Popen[str], deadline: float = DEADLINE_S) -> ApplyAnswer:
        """Its answer, at the latest soon after its deadline."""
        try:
            out, said = passing.communicate(timeout=deadline + SLACK_S)
        except subprocess.TimeoutExpired:
            passing.kill()
            passing.communicate()
            raise AssertionError("the pass hangs beyond its deadline") from None
        assert "Traceback" not in said, said
        assert out, f"exit code {passing.returncode}: {said}"
        return ApplyAnswer(passing.returncode, json.loads(out))

    @property
    def command_prefix(self) -> tuple[str, ...]:
        """What a command begins with that is to run beside the server."""
        return ("nsenter", f"--net=/run/netns/{self.server.namespace}", "--")

    def write_config(self) -> Path:
        path = self.folder / "guestagent.conf"
        path.write_text(
            f"[DEFAULT]\nstate = {self.folder}/state\nrun = {self.folder}/run\n"
            f"[database]\nsocket = {self.server.socket}\ntimeout = 4\n"
        )
        return path


@dataclass
class Pair:
    """Both as new. `build_source_document` and `build_replica_document` fit them; a story changes what it needs.

    `spoiled`: nobody else can use them after the story.
    """

    flavour: Flavour
    link: NetworkLink
    source: Node
    replica: Node
    is_spoiled: bool = False

    @property
    def family(self) -> str:
        return self.flavour.family

    def choose_statement(self, *, mariadb: str, mysql: str) -> str:
        """One of two spellings."""
        return {"mariadb": mariadb, "mysql": mysql}[self.family]

    def build_source_document(self, **section: Any) -> dict[str, Any]:
        return {
            "ReadyWaitCondition": self._handle,
            "Users": [{"name": USER, "password": PASSWORD}],
            "GuestAgent": {"Node": "Master0000", "ServerId": 71, "Deadline": DEADLINE_S, **section},
        }

    def build_replica_document(
        self, *, password: str = PASSWORD, user: str = USER, address: str = "", **section: Any
    ) -> dict[str, Any]:
        source = {
            "Address": address or self.source.server.address,
            "Port": self.source.server.port,
            "User": {"name": user, "password": password},
        }
        return {
            "ReadyWaitCondition": self._handle,
            "Master": source,
            "GuestAgent": {"Node": "Slave0000", "ServerId": 72, "Deadline": DEADLINE_S, **section},
        }

    @property
    def _handle(self) -> str:
        """Of nobody, at an address to which there is a way: from it a node knows its own."""
        return f"http://{self.unused_address}/handle"

    @property
    def unused_address(self) -> str:
        """An address on the wire that nobody has."""
        return self.source.server.address.rpartition(".")[0] + ".77"

    def prepare_source(self, **section: Any) -> Pair:
        """The source is ready, the replica still as new."""
        told = self.source.apply(self.build_source_document(Deadline=30, **section))
        assert told.is_ready, told.answer
        return self

    def prepare(self) -> Pair:
        """Both are ready, and hold a few rows."""
        self.prepare_source()
        self.source.server.execute(
            "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v MEDIUMTEXT) ENGINE=InnoDB"
        )
        self.insert_rows(1, 2, 3)
        told = self.apply_on_replica()
        assert told.is_ready, told.answer
        return self

    def apply_on_replica(self, deadline: float = 30, **changes: Any) -> ApplyAnswer:
        """The replica's next pass, with time enough."""
        return self.replica.apply(self.build_replica_document(Deadline=int(deadline), **changes))

    def insert_rows(self, *ids: int) -> None:
        """Rows that the source acknowledges."""
        said = "INSERT INTO d.t VALUES ({0}, 'row {0}')"
        self.source.server.execute(*(said.format(number) for number in ids))

    def execute_unlogged(self, *statements: str) -> None:
        """On the replica, by root, past its read-only and its binary log."""
        lifted, lowered = self.write_access_statements
        self.replica.server.execute(lifted, "SET SESSION sql_log_bin = 0", *statements, lowered)

    @property
    def write_access_statements(self) -> tuple[str, str]:
        """What lets root write on the replica, and what takes it back; root of MariaDB always may."""
        words = self.choose_statement(mariadb="SET @nothing = {}", mysql="SET GLOBAL super_read_only = {}")
        return words.format(0), words.format(1)

    def build_channel_statement(self, verb: str) -> str:
        """STOP, START or RESET the channel, or `SHOW` it."""
        return f"{verb} {self.choose_statement(mariadb='SLAVE', mysql='REPLICA')}"

    def build_change_statement(self, what: str) -> str:
        """A CHANGE with one option, spelled without its family's prefix."""
        return self.choose_statement(
            mariadb=f"CHANGE MASTER TO MASTER_{what}", mysql=f"CHANGE REPLICATION SOURCE TO SOURCE_{what}"
        )

    def restart_server(self, node: Node, *options: str, by: signal.Signals = signal.SIGTERM) -> None:
        """End a node's server and start it with these options more, this once."""
        node.server.stop(by)
        node.server.start(*options)

    def compare_rows(self, seconds: float = 30) -> None:
        """Every acknowledged row is on the replica, once it has had its time."""
        wanted, until = read_rows(self.source.server), time.monotonic() + seconds
        while read_rows(self.replica.server) != wanted:
            assert time.monotonic() < until, "acknowledged rows are missing on the replica"
            time.sleep(0.1)

    def reset(self) -> None:
        """As new, but for what only another server can undo."""
        for node in (self.replica, self.source):
            node.server.reset()
            subprocess.run(("rm", "-rf", str(node.folder / "state")), check=True)


def read_rows(server: DatabaseServer) -> list[Mapping[str, str | None]]:
    """All that a story may have written; none where it has made no table."""
    if not server.execute("SHOW DATABASES LIKE 'd'"):
        return []
    return [*server.execute("SELECT id, v FROM d.t ORDER BY id")]


@contextmanager
def open_pair(folder: Path, template: Path, flavour: Flavour, subnet: IPv4Network) -> Iterator[Pair]:
    """Fresh servers in a new folder and in a subnet of their own."""
    with open_network_link(subnet) as wire:
        one, two = wire.ends
        options = IMAGE_OPTIONS[flavour.family]
        places = [(folder / name, end) for name, end in (("source", one), ("replica", two))]
        for place, _ in places:
            (place / "agent").mkdir(parents=True)
        (at_source, here), (at_replica, there) = places
        with (
            open_server(
                at_source / "s", template, "server-id=1", *options,
                flavour=flavour, address=str(here.address), namespace=here.namespace,
            ) as source,
            open_server(
                at_replica / "s", template, "server-id=2", *options,
                flavour=flavour, address=str(there.address), namespace=there.namespace,
            ) as replica,
        ):  # fmt: skip
            yield Pair(flavour, wire, Node(source, at_source / "agent"), Node(replica, at_replica / "agent"))
