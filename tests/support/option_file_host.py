"""A host whose database server reads an option file, and a reconcile pass on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.journal import Journal
from guestagent.agent.outcome import Report
from guestagent.agent.pause import Pause
from guestagent.agent.reconcile import Reconciler
from guestagent.agent.server_config import ConfigurationDependencies, ServerConfiguration
from guestagent.agent.server_config.change_file import ChangeFile
from guestagent.agent.server_config.change_state import ChangeState
from guestagent.agent.server_sizes.sizing import HostResources
from guestagent.agent.service_control import CommandResult, FakeServiceControl
from guestagent.byte_units import GIB
from guestagent.database.fake import FRESH_SERVER, FakeDatabase, FakeSourceProbe
from guestagent.database.protocols import Database
from guestagent.database.state import SourceState
from guestagent.errors import DatabaseUnreachable
from guestagent.metadata.document import CfnHandle, Document, Section
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.agent_states import build_history

SOURCE_STATE = SourceState(server_id=7, binary_log=True, history=build_history("0-7-5"))
DEFAULTS = {
    "innodb_buffer_pool_size": "134217728",
    "sync_binlog": "0",
    "log_bin": "ON",
    "log_slave_updates": "ON",
    "performance_schema": "OFF",
    "back_log": "80",
    "wait_timeout": "28800",
    "report_host": "",
}


def build_document(**variables: bool | int) -> Document:
    section = Section(node="Master0000", server_id=7, variables=variables)
    return Document(CfnHandle(Secret("http://10.0.0.1/handle?Signature=x")), section=section)


class FakeHost:
    """A host with a server that reads its option file when it starts, and rejects a file with `rejected_line`."""

    def __init__(self, folder: Path, content: str = "[mariadbd]\nlog_bin = binlog\n") -> None:
        self.folder, self.file, self.socket = folder, folder / "90-guestagent.cnf", folder / "socket"
        self.file.write_text(content)
        self.database = FakeDatabase(
            replace(FRESH_SERVER, server_id=7, read_only=False), global_variables=DEFAULTS
        )
        self.control = FakeServiceControl(
            self.start_server, log_output="[ERROR] unknown variable 'back_log=7'"
        )
        self.clock = FakeClock()
        self.boot_id = "boot 1"
        self.rejected_line, self.is_up = "back_log = 7\n", True
        self.pause: Pause | None = None
        self.create_socket()

    def create_socket(self) -> None:
        self.socket.unlink(missing_ok=True)
        self.socket.write_text("")
        self.database.global_variables |= {"socket": str(self.socket), "datadir": str(self.folder)}

    def start_server(self) -> CommandResult:
        file_options = dict(
            line.split(" = ")
            for line in self.file.read_text().splitlines()
            if " = " in line and line[0] != "#"
        )
        self.is_up = self.rejected_line not in self.file.read_text()
        if self.is_up:
            self.create_socket()
            self.database.global_variables |= {
                name: value for name, value in file_options.items() if name in DEFAULTS
            }
            self.database.global_variables["log_bin"] = "ON"
        return CommandResult(self.is_up, "" if self.is_up else "Job failed")

    def open(self) -> Database:
        if not self.is_up:
            raise DatabaseUnreachable("nobody answers")
        return self.database

    def read_state(self) -> ChangeState:
        return ChangeFile(self.folder / "configuration.json").state

    def build_reconciler(self, document: Document) -> Reconciler:
        configuration_dependencies = ConfigurationDependencies(
            option_path=lambda family: self.file if self.file.exists() else None,
            service_control=lambda family: self.control,
            host_resources=lambda data: HostResources(2 * GIB, 20 * GIB),
            change_file=ChangeFile(self.folder / "configuration.json"),
            clock=self.clock,
            boot_id=self.boot_id,
            default_option_path=lambda family: self.file,
        )
        dependencies = PassDependencies(
            open_database=self.open,
            source_view=FakeSourceProbe(SOURCE_STATE),
            journal=Journal(self.folder / "journal.json", self.clock, self.boot_id),
            clock=self.clock,
            find_own_address=lambda host: "10.0.0.7",
            read_pause=lambda: self.pause,
            configuration=ServerConfiguration(configuration_dependencies),
        )
        return Reconciler(document, "task", "10.0.0.1", dependencies)

    def converge(self, document: Document) -> Report:
        return self.build_reconciler(document).converge(document.section.deadline)
