"""A stack that its operator rotates by the command line; meanwhile somebody writes, and streams are cut."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from guestagent.database.login import connect_socket
from guestagent.database.source_probe import TcpSourceProbe
from guestagent.database.sql_statement import sql
from guestagent.demo.socket_table import SocketTable
from guestagent.demo.workload import RowWriter
from guestagent.errors import DatabaseError
from guestagent.secret import Secret
from tests.support.cluster_commands import ClusterCommands
from tests.support.guest_cloud import GuestCloud

COMMAND_TIMEOUT_S = 150
CUT_INTERVAL_S = 0.9  # seconds between two cuts of all streams: a receiver comes back after one
STREAMS = sql("SELECT id AS id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'")


class RotationUnderLoad:
    """A stack as its operator drives it, and what is seen of its guests from outside."""

    def __init__(self, cloud: GuestCloud, commands: ClusterCommands, stack: str, replicas: int) -> None:
        self.cloud, self._commands, self._stack = cloud, commands, stack
        self.replicas = [f"Slave{number:04d}" for number in range(replicas)]
        self.cuts = 0
        self._logged: dict[str, int] = {}

    def run_command(self, *words: str) -> str:
        """The answer of a command that has to end well."""
        code, answer, told = self._commands.run(*words, within=COMMAND_TIMEOUT_S)
        assert code == 0, told
        return answer

    def kill_during_update(self, update: int, *words: str) -> None:
        """A command that is killed once Heat has taken this update of its own, the first or the second."""
        with self._commands.start(*words) as command:
            assert command.stderr is not None
            begun = (line for line in command.stderr if "UPDATE_IN_PROGRESS" in line)
            for _ in range(update):
                next(begun)
            command.kill()

    def read_passwords(self) -> dict[str, str]:
        """By replica, as its own document has it."""
        return {name: self._document(name)["Master"]["User"]["password"] for name in self.replicas}

    def list_rejected_replicas(self, passwords: dict[str, str]) -> list[str]:
        """The replicas that the source does not let in with these."""
        address = self.cloud.stacks.status(self._stack).nodes[0].address
        looks = {
            name: TcpSourceProbe(5).probe(address, 3306, name.lower(), Secret(password)).error
            for name, password in passwords.items()
        }
        assert {error.number for error in looks.values() if error is not None} <= {1045}, looks
        return [name for name, error in looks.items() if error is not None]

    @contextmanager
    def open_load(self) -> Iterator[RowWriter]:
        """Somebody writes on the source, and somebody cuts every stream as soon as it is back."""
        for name in self.replicas:
            self._logged[name] = len(self._log(name))
        done = threading.Event()
        pest = threading.Thread(target=self._cut, args=(done,))
        with RowWriter() as writer:
            writer.start(self._table("Master0000"))
            pest.start()
            try:
                yield writer
            finally:
                done.set()
                pest.join()
        assert writer.error is None

    def list_access_denied_lines(self) -> list[str]:
        """What the replicas' servers have said meanwhile of a source that did not let them in."""
        return [
            line
            for name in self.replicas
            for line in self._log(name)[self._logged[name] :].splitlines()
            if "Access denied" in line
        ]

    def find_missing_rows(self, acknowledged: int) -> dict[str, set[int]]:
        """Rows, by replica, that were acknowledged and are not there; it may catch up first."""
        position = self.cloud.query_value(self._guest("Master0000"), "@@gtid_binlog_pos")
        found = {}
        for name in self.replicas:
            assert self.cloud.query_value(self._guest(name), f"MASTER_GTID_WAIT('{position}', 30)") == "0", (
                name
            )
            with closing(self._table(name)) as table:
                found[name] = set(range(1, acknowledged + 1)) - table.read_numbers()
        return found

    def _cut(self, done: threading.Event) -> None:
        with closing(connect_socket(self.cloud.find_socket(self._guest("Master0000")), "root", 10)) as source:
            while not done.wait(CUT_INTERVAL_S):
                for row in source.fetch_rows(STREAMS, "looking for streams"):
                    with suppress(DatabaseError):  # it has ended by itself
                        source.fetch_rows(sql("KILL {}", int(str(row["id"]))), "cutting a stream")
                        self.cuts += 1

    def _guest(self, node: str) -> str:
        return self.cloud.find_guest(f"{self._stack}-{node}")

    def _table(self, node: str) -> SocketTable:
        return SocketTable(lambda: self.cloud.find_socket(self._guest(node)))

    def _log(self, node: str) -> str:
        return self.cloud.read_log(self._guest(node), "mariadb")

    def _document(self, node: str) -> dict[str, dict[str, dict[str, str]]]:
        path = self.cloud.hypervisor.find_folder(self._guest(node)) / "var/lib/guestagent/document.json"
        document: dict[str, dict[str, dict[str, str]]] = json.loads(path.read_text())["document"]
        return document
