"""A source and a replica of one flavour, each with an agent, in two network namespaces that a link joins."""

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
SLACK_S = 60.0  # a pass may end this much after its deadline if the machine is busy
INVALID_INPUT = 2
IMAGE_OPTIONS = {
    "mariadb": ("binlog-format=ROW", "slave-net-timeout=4", "gtid-strict-mode=ON"),
    "mysql": ("replica-net-timeout=4",),
}


@dataclass(frozen=True, slots=True)
class ApplyAnswer:
    """The exit code and the output of `guestagent apply --json`."""

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
        """The name of the worst condition; "" if all are met, or if nothing was checked."""
        return "" if self.is_ready or self.is_invalid else str(self._conditions[0]["name"])

    @property
    def reason(self) -> str:
        """Why the node is not ready; "" if it is."""
        if self.is_invalid:
            return str(self.answer["error"]["message"])
        if self.is_ready:
            return ""
        first = self._conditions[0]
        return f"{first['seen']}; {first['do']}" if first["do"] else str(first["seen"])

    @property
    def _conditions(self) -> list[Mapping[str, str]]:
        conditions: list[Mapping[str, str]] = self.answer.get("conditions", [])
        return conditions


@dataclass
class Node:
    """A server, and the folder with the state of its agent, whose settings a scenario may extend."""

    server: DatabaseServer
    folder: Path
    extra_settings: str = ""

    def apply(self, document: Mapping[str, Any]) -> ApplyAnswer:
        """Run a pass to its end; raise AssertionError if it hangs beyond its deadline."""
        return self.wait_for_answer(self.start_apply(document), document["GuestAgent"]["Deadline"])

    def start_apply(self, document: Mapping[str, Any]) -> subprocess.Popen[str]:
        """Start a pass, which runs while the test goes on."""
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

    def wait_for_answer(self, process: subprocess.Popen[str], deadline: float = DEADLINE_S) -> ApplyAnswer:
        """Return the answer of a pass, at the latest SLACK_S after its deadline."""
        try:
            out, err = process.communicate(timeout=deadline + SLACK_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise AssertionError("the pass hangs beyond its deadline") from None
        assert "Traceback" not in err, err
        assert out, f"exit code {process.returncode}: {err}"
        return ApplyAnswer(process.returncode, json.loads(out))

    @property
    def command_prefix(self) -> tuple[str, ...]:
        """The words that run a command in the network namespace of the server."""
        return ("nsenter", f"--net=/run/netns/{self.server.namespace}", "--")

    def write_config(self) -> Path:
        path = self.folder / "guestagent.conf"
        path.write_text(
            f"[DEFAULT]\nstate = {self.folder}/state\nrun = {self.folder}/run\n"
            f"[database]\nsocket = {self.server.socket}\ntimeout = 4\n"
            f"[collector]\nconfig = {self.collector_config}\n{self.extra_settings}"
        )
        return path

    @property
    def collector_config(self) -> Path:
        """The configuration of os-collect-config. It is missing until a scenario writes it."""
        return self.folder / "os-collect-config.conf"


@dataclass
class Pair:
    """Two servers without data. A scenario changes the documents that `build_*_document` return.

    `is_spoiled`: the servers cannot be reset after the scenario.
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
        """Return the statement of the servers' family."""
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
        """A handle at a routable address, from which a node derives its own; nobody serves it."""
        return f"http://{self.unused_address}/handle"

    @property
    def unused_address(self) -> str:
        """An address on the link that neither node has."""
        return self.source.server.address.rpartition(".")[0] + ".77"

    def prepare_source(self, **section: Any) -> Pair:
        """Make the source ready; leave the replica empty."""
        answer = self.source.apply(self.build_source_document(Deadline=30, **section))
        assert answer.is_ready, answer.answer
        return self

    def prepare(self) -> Pair:
        """Make both ready, with a few rows."""
        self.prepare_source()
        self.create_rows()
        answer = self.apply_on_replica()
        assert answer.is_ready, answer.answer
        return self

    def create_rows(self) -> None:
        """Create the table of rows on the source, with a few of them."""
        self.source.server.execute(
            "CREATE DATABASE d", "CREATE TABLE d.t (id INT PRIMARY KEY, v MEDIUMTEXT) ENGINE=InnoDB"
        )
        self.insert_rows(1, 2, 3)

    def apply_on_replica(self, deadline: float = 30, **changes: Any) -> ApplyAnswer:
        """Run a pass of the replica with a long deadline."""
        return self.replica.apply(self.build_replica_document(Deadline=int(deadline), **changes))

    def insert_rows(self, *ids: int) -> None:
        """Insert rows on the source."""
        statement = "INSERT INTO d.t VALUES ({0}, 'row {0}')"
        self.source.server.execute(*(statement.format(number) for number in ids))

    def execute_unlogged(self, *statements: str) -> None:
        """Execute statements on the replica as root, despite read-only mode and without binary logging."""
        allow, forbid = self.write_access_statements
        self.replica.server.execute(allow, "SET SESSION sql_log_bin = 0", *statements, forbid)

    @property
    def write_access_statements(self) -> tuple[str, str]:
        """Statements that let root write on the replica, and that revoke it; MariaDB's root always may."""
        template = self.choose_statement(mariadb="SET @nothing = {}", mysql="SET GLOBAL super_read_only = {}")
        return template.format(0), template.format(1)

    def build_channel_statement(self, verb: str) -> str:
        """Build STOP, START, RESET or SHOW for the channel."""
        return f"{verb} {self.choose_statement(mariadb='SLAVE', mysql='REPLICA')}"

    def build_change_statement(self, option: str) -> str:
        """Build a CHANGE with one option, which is passed without the prefix of its family."""
        return self.choose_statement(
            mariadb=f"CHANGE MASTER TO MASTER_{option}", mysql=f"CHANGE REPLICATION SOURCE TO SOURCE_{option}"
        )

    def restart_server(
        self, node: Node, *options: str, signal_number: signal.Signals = signal.SIGTERM
    ) -> None:
        """Stop a node's server, and start it with additional options that a later start does not keep."""
        node.server.stop(signal_number)
        node.server.start(*options)

    def compare_rows(self, timeout_s: float = 30) -> None:
        """Wait until the replica has every acknowledged row; fail after the timeout."""
        expected_rows, deadline = read_rows(self.source.server), time.monotonic() + timeout_s
        while read_rows(self.replica.server) != expected_rows:
            assert time.monotonic() < deadline, "acknowledged rows are missing on the replica"
            time.sleep(0.1)

    def reset(self) -> None:
        """Reset both servers and remove their agents' state."""
        for node in (self.replica, self.source):
            node.server.reset()
            subprocess.run(("rm", "-rf", str(node.folder / "state")), check=True)
            node.collector_config.unlink(missing_ok=True)


def read_rows(server: DatabaseServer) -> list[Mapping[str, str | None]]:
    """Return the rows of d.t; none if the table's schema does not exist."""
    if not server.execute("SHOW DATABASES LIKE 'd'"):
        return []
    return [*server.execute("SELECT id, v FROM d.t ORDER BY id")]


@contextmanager
def open_pair(folder: Path, template: Path, flavour: Flavour, subnet: IPv4Network) -> Iterator[Pair]:
    """Open two servers without data in a new folder, in their own subnet."""
    with open_network_link(subnet) as link:
        source_end, replica_end = link.ends
        options = IMAGE_OPTIONS[flavour.family]
        source_folder, replica_folder = folder / "source", folder / "replica"
        for node_folder in (source_folder, replica_folder):
            (node_folder / "agent").mkdir(parents=True)
        with (
            open_server(
                source_folder / "s", template, "server-id=1", *options,
                flavour=flavour, address=str(source_end.address), namespace=source_end.namespace,
            ) as source,
            open_server(
                replica_folder / "s", template, "server-id=2", *options,
                flavour=flavour, address=str(replica_end.address), namespace=replica_end.namespace,
            ) as replica,
        ):  # fmt: skip
            yield Pair(
                flavour, link, Node(source, source_folder / "agent"), Node(replica, replica_folder / "agent")
            )
