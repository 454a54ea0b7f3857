"""A rotation from the command line, while rows are written on the source and replication connections are killed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager

from guestagent.database.source_probe import TcpSourceProbe
from guestagent.demo.socket_table import SocketTable
from guestagent.demo.workload import RowWriter
from guestagent.secret import Secret
from tests.support.cluster_commands import ClusterCommands
from tests.support.dump_kills import DumpKills
from tests.support.guest_cloud import GuestCloud
from tests.support.replica_position import wait_for_replica

COMMAND_TIMEOUT_S = 150


class RotationUnderLoad:
    """The commands of an operator, and observations of the guests from outside."""

    def __init__(self, cloud: GuestCloud, commands: ClusterCommands, stack: str, replicas: int) -> None:
        self.cloud, self._commands, self._stack = cloud, commands, stack
        self.replicas = [f"Slave{number:04d}" for number in range(replicas)]
        self.kills = 0
        self._log_lengths: dict[str, int] = {}

    def run_command(self, *words: str) -> str:
        """Run a command that must succeed, and return its output."""
        code, out, err = self._commands.run(*words, timeout_s=COMMAND_TIMEOUT_S)
        assert code == 0, err
        return out

    def kill_during_update(self, update: int, *words: str) -> None:
        """Run a command, and kill it after Heat has accepted its first or second update."""
        with self._commands.start(*words) as command:
            assert command.stderr is not None
            update_lines = (line for line in command.stderr if "UPDATE_IN_PROGRESS" in line)
            for _ in range(update):
                next(update_lines)
            command.kill()

    def read_passwords(self) -> dict[str, str]:
        """Return the password in each replica's document."""
        return {name: self._read_document(name)["Master"]["User"]["password"] for name in self.replicas}

    def list_rejected_replicas(self, passwords: dict[str, str]) -> list[str]:
        """Return the replicas that the source rejects with these passwords."""
        address = self.cloud.stacks.status(self._stack).nodes[0].address
        errors = {
            name: TcpSourceProbe(5).probe(address, 3306, name.lower(), Secret(password)).error
            for name, password in passwords.items()
        }
        assert {error.number for error in errors.values() if error is not None} <= {1045}, errors
        return [name for name, error in errors.items() if error is not None]

    @contextmanager
    def open_load(self) -> Iterator[RowWriter]:
        """Write rows on the source, and kill every replication connection again and again."""
        for name in self.replicas:
            self._log_lengths[name] = len(self._read_log(name))
        with RowWriter() as writer:
            writer.start(self._open_table("Master0000"))
            with DumpKills(self.cloud.find_socket(self._find_guest("Master0000"))) as kills:
                yield writer
        self.kills += kills.count
        assert writer.error is None

    def list_access_denied_lines(self) -> list[str]:
        """Return the lines since `open_load` in which a replica logged that the source rejected it."""
        return [
            line
            for name in self.replicas
            for line in self._read_log(name)[self._log_lengths[name] :].splitlines()
            if "Access denied" in line
        ]

    def find_missing_rows(self, acknowledged: int) -> dict[str, set[int]]:
        """Return the acknowledged rows that each replica lacks after it has caught up."""
        missing_rows = {}
        for name in self.replicas:
            wait_for_replica(self.cloud, self._find_guest("Master0000"), self._find_guest(name))
            with closing(self._open_table(name)) as table:
                missing_rows[name] = set(range(1, acknowledged + 1)) - table.read_numbers()
        return missing_rows

    def _find_guest(self, node: str) -> str:
        return self.cloud.find_guest(f"{self._stack}-{node}")

    def _open_table(self, node: str) -> SocketTable:
        return SocketTable(lambda: self.cloud.find_socket(self._find_guest(node)))

    def _read_log(self, node: str) -> str:
        return self.cloud.read_log(self._find_guest(node), "mariadb")

    def _read_document(self, node: str) -> dict[str, dict[str, dict[str, str]]]:
        path = self.cloud.hypervisor.find_folder(self._find_guest(node)) / "var/lib/guestagent/document.json"
        document: dict[str, dict[str, dict[str, str]]] = json.loads(path.read_text())["document"]
        return document
