"""The option file and the restart on a machine of a test's own: cut anywhere, and with servers that do not come up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.journal import Journal
from guestagent.agent.model import ConditionState
from guestagent.agent.outcome import Report, Verdict
from guestagent.agent.pause import Pause
from guestagent.agent.reconcile import Reconciler
from guestagent.agent.server_config import ConfigurationDependencies, ServerConfiguration
from guestagent.agent.server_config.change_file import ChangeFile
from guestagent.agent.server_config.change_state import ChangeState, Phase, SetAttempt
from guestagent.agent.server_config.sizing import GIB, HostResources
from guestagent.agent.service_control import CommandResult, FakeServiceControl
from guestagent.database.fake import FRESH_SERVER, FakeDatabase, FakeSourceProbe, SimulatedCrash
from guestagent.database.protocols import Database
from guestagent.database.state import SourceState
from guestagent.errors import DatabaseUnreachable
from guestagent.metadata.document import CfnHandle, Document, Section
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.agent_states import build_history
from tests.support.journals import corrupt_journal

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
    """A machine with a server that reads its option file when it is restarted. `bad`: what it does not start with."""

    def __init__(self, folder: Path, image: str = "[mariadbd]\nlog_bin = binlog\n") -> None:
        self.folder, self.file, self.socket = folder, folder / "90-guestagent.cnf", folder / "socket"
        self.file.write_text(image)
        self.database = FakeDatabase(
            replace(FRESH_SERVER, server_id=7, read_only=False), global_variables=DEFAULTS
        )
        self.control, self.clock = (
            FakeServiceControl(self.start_server, log_output="[ERROR] unknown variable 'back_log=7'"),
            FakeClock(),
        )
        self.boot = "boot 1"
        self.bad, self.up, self.mark = "back_log = 7\n", True, list[Pause]()
        self.create_socket()

    def create_socket(self) -> None:
        self.socket.unlink(missing_ok=True)
        self.socket.write_text("")
        self.database.global_variables |= {"socket": str(self.socket), "datadir": str(self.folder)}

    def start_server(self) -> CommandResult:
        message = dict(
            line.split(" = ")
            for line in self.file.read_text().splitlines()
            if " = " in line and line[0] != "#"
        )
        self.up = self.bad not in self.file.read_text()
        if self.up:
            self.create_socket()
            self.database.global_variables |= {
                name: value for name, value in message.items() if name in DEFAULTS
            }
            self.database.global_variables["log_bin"] = "ON"
        return CommandResult(self.up, "" if self.up else "Job failed")

    def open(self) -> Database:
        if not self.up:
            raise DatabaseUnreachable("nobody answers")
        return self.database

    def read_state(self) -> ChangeState:
        return ChangeFile(self.folder / "configuration.json").state

    def build_reconciler(self, wanted: Document) -> Reconciler:
        ground = ConfigurationDependencies(
            option_path=lambda family: self.file,
            service_control=lambda family: self.control,
            host_resources=lambda data: HostResources(2 * GIB, 20 * GIB),
            change_file=ChangeFile(self.folder / "configuration.json"),
            clock=self.clock,
            boot_id=self.boot,
        )
        edges = PassDependencies(
            open_database=self.open,
            source_view=FakeSourceProbe(SOURCE_STATE),
            journal=Journal(self.folder / "journal.json", self.clock, self.boot),
            clock=self.clock,
            find_own_address=lambda host: "10.0.0.7",
            read_pause=lambda: self.mark[0] if self.mark else None,
            configuration=ServerConfiguration(ground),
        )
        return Reconciler(wanted, "task", "10.0.0.1", edges)

    def converge(self, wanted: Document) -> Report:
        return self.build_reconciler(wanted).converge(wanted.section.deadline)


def test_a_dynamic_variable_needs_no_restart(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)

    report = host.converge(build_document())

    assert report.verdict is Verdict.READY
    assert host.control.commands == []
    assert host.database.global_variables["sync_binlog"] == "1"
    assert "sync_binlog = 1" in host.file.read_text()


def test_a_static_variable_restarts_the_server_once(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)

    report = host.converge(build_document(performance_schema=True))
    writes = host.database.write_count
    again = host.converge(build_document(performance_schema=True))

    assert (report.verdict, again.verdict) == (Verdict.READY, Verdict.READY)
    assert host.control.commands == ["restart"]
    assert host.database.global_variables["performance_schema"] == "ON"
    assert host.database.write_count == writes


def test_drift_of_a_static_variable_does_not_restart_a_ready_server(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document(performance_schema=True))
    host.database.global_variables["performance_schema"] = "OFF"

    report = host.converge(build_document(performance_schema=True))

    assert report.verdict is Verdict.FAILED
    assert report.readiness.worst_condition.actual == "performance_schema = OFF"
    assert host.control.commands == ["restart"]


def test_a_server_that_does_not_start_gets_the_previous_file(tmp_path: Path) -> None:
    host = FakeHost(tmp_path, image="[mariadbd]\nlog_bin = binlog\n# the image's\n")

    report = host.converge(build_document(back_log=7))

    assert (report.verdict, host.up) == (Verdict.FAILED, True)
    assert host.file.read_text() == "[mariadbd]\nlog_bin = binlog\n# the image's\n"
    assert report.readiness.worst_condition.actual == (
        "the server did not start with it (Job failed); variable: back_log; "
        "last error log lines: unknown variable 'back_log=7'"
    )
    assert host.control.commands == ["restart", "restart"]
    assert host.converge(build_document(back_log=8)).verdict is Verdict.READY


def test_a_server_that_is_silent_until_the_deadline_gets_the_previous_file(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)

    def start_silently_once() -> CommandResult:
        host.start_server()
        return CommandResult(True)

    host.control.on_command = start_silently_once

    report = host.converge(build_document(back_log=7))
    later = host.build_reconciler(build_document(back_log=7))
    host.clock.sleep(90)
    later.run_pass()

    assert report.verdict is Verdict.FAILED
    assert "restart" in host.control.commands
    assert host.read_state().phase is Phase.RESTORING
    assert "no answer" in host.read_state().why
    assert "back_log" not in host.file.read_text()


def start_silently(host: FakeHost) -> None:
    """Have the service manager call a server that does not answer started."""

    def start() -> CommandResult:
        host.start_server()
        return CommandResult(True)

    host.control.on_command = start


def reboot(host: FakeHost, uptime: float) -> None:
    """Have the machine come up anew: its clock begins at zero, and it has started the server by itself."""
    host.boot, host.clock.time = f"after {host.boot}", uptime
    host.start_server()


def test_after_a_reboot_during_a_restart_the_time_counts_from_the_first_silence(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.clock.time = 30 * 86400.0
    start_silently(host)
    host.converge(build_document(back_log=7))

    reboot(host, uptime=40)
    host.build_reconciler(build_document(back_log=7)).run_pass()
    host.clock.sleep(89)
    early = host.build_reconciler(build_document(back_log=7)).run_pass()
    host.clock.sleep(1)
    host.build_reconciler(build_document(back_log=7)).run_pass()

    assert "(89 s after the restart)" in early.worst_condition.actual
    assert host.read_state().phase is Phase.RESTORING
    assert "back_log" not in host.file.read_text()


def test_a_file_that_prevents_a_start_after_a_reboot_is_rolled_back(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document())
    host.bad, host.control.log_output = "sync_binlog = 1\n", "[ERROR] unknown variable 'sync_binlog=1'"
    assert host.read_state().phase is Phase.WRITTEN

    reboot(host, uptime=40)
    report = host.converge(build_document())

    assert host.up
    assert report.verdict is Verdict.FAILED
    assert host.file.read_text() == "[mariadbd]\nlog_bin = binlog\n"
    assert "the server did not start with it" in report.readiness.worst_condition.actual


def test_a_broken_start_command_after_a_reboot_does_not_roll_back_the_file(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document())
    written = host.file.read_text()
    host.control.on_command, host.control.log_output = (
        lambda: CommandResult(False, "Unit mysqld.service not found."),
        "",
    )

    reboot(host, uptime=40)
    host.up = False
    early = host.build_reconciler(build_document()).run_pass()
    host.up = True
    report = host.converge(build_document())

    assert "after the restart" in early.worst_condition.actual
    assert report.verdict is Verdict.READY
    assert host.file.read_text() == written


class HostWithFailingStarts(FakeHost):
    """Whose server starts with no file at all for the first `fails` commands."""

    def __init__(self, folder: Path, fails: int) -> None:
        super().__init__(folder)
        self.fails, self.at = fails, list[float]()
        self.control.on_command = self.start_if_allowed

    def start_if_allowed(self) -> CommandResult:
        self.at.append(self.clock.now())
        if len(self.at) <= self.fails:
            self.up = False
            return CommandResult(False, "Job failed")
        return self.start_server()


def test_a_server_that_fails_with_the_previous_file_is_started_repeatedly(tmp_path: Path) -> None:
    host = HostWithFailingStarts(tmp_path, fails=6)

    report = host.converge(build_document(back_log=9))

    assert host.up
    assert report.verdict is Verdict.FAILED
    assert "back_log" not in host.file.read_text()
    assert host.control.commands == ["restart", "restart", *["start"] * 5]
    pauses = [later - earlier for earlier, later in zip(host.at[1:], host.at[2:], strict=False)]
    assert all(pause >= least for pause, least in zip(pauses, (2, 4, 8, 16, 32), strict=True)), pauses


def test_the_error_of_a_start_with_the_previous_file_is_reported(tmp_path: Path) -> None:
    host = HostWithFailingStarts(tmp_path, fails=99)

    report = host.converge(build_document(back_log=9))

    worst = report.readiness.worst_condition
    assert (report.verdict, worst.state) == (Verdict.FAILED, ConditionState.PENDING)
    assert worst.actual.startswith(
        "it does not start with that file either (Job failed; last error log lines: unknown"
    )
    assert worst.advice == "see the server's error log; it is started again at least once every 60 s"


def test_a_server_that_is_stopped_after_a_rollback_stays_stopped(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document(back_log=7))
    done = list(host.control.commands)
    host.up = False

    host.build_reconciler(build_document(back_log=7)).run_pass()

    assert host.read_state().phase is Phase.REFUSED
    assert host.control.commands == done


class SlowServiceControl(FakeServiceControl):
    """Takes its time for a restart."""

    def __init__(self, clock: FakeClock, seconds: float) -> None:
        super().__init__()
        self._clock, self._seconds = clock, seconds

    def restart(self, meanwhile: Callable[[], None]) -> CommandResult:
        self._clock.sleep(self._seconds)
        return super().restart(meanwhile)


class HostWithKilledAgent(FakeHost):
    """Whose agent dies when the service command number `at` begins, or when it has ended."""

    def __init__(self, folder: Path, at: int, ended: bool) -> None:
        super().__init__(folder)
        self.control.on_command = self.start_and_die
        self.left, self.ended = at, ended

    def start_and_die(self) -> CommandResult:
        self.left -= 1
        if self.left == 0 and not self.ended:
            raise SimulatedCrash
        message = self.start_server()
        if self.left == 0:
            raise SimulatedCrash
        return message


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("value", [7, 9])
def test_an_agent_that_is_killed_around_a_restart_converges(
    tmp_path: Path, at: int, ended: bool, value: int
) -> None:
    host = HostWithKilledAgent(tmp_path, at, ended)
    with suppress(SimulatedCrash):
        host.converge(build_document(back_log=value))

    report = host.converge(build_document(back_log=value))

    assert host.up
    assert report.verdict is (Verdict.FAILED if value == 7 else Verdict.READY), (
        report.readiness.worst_condition
    )
    assert ("back_log = 7\n" in host.file.read_text()) is False


def test_a_pause_protects_the_file_and_the_server(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    before, host.mark = host.file.read_text(), [Pause("alice", "now")]

    report = host.converge(build_document(performance_schema=True))

    assert (host.file.read_text(), host.control.commands, host.database.write_count) == (before, [], 0)
    assert "restart the database server for performance_schema" in report.readiness.worst_condition.expected


def test_during_a_pause_a_failed_attempt_does_not_count_for_another_value(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document())
    file = ChangeFile(host.folder / "configuration.json")
    file.write(replace(file.state, tried={"sync_binlog": SetAttempt("7", "too many")}))
    host.database.global_variables["sync_binlog"] = "0"
    host.mark = [Pause("alice", "now")]

    report = host.converge(build_document())

    wanted = [each.expected for each in report.readiness.conditions if each.name == "configuration"]
    assert (wanted, report.verdict) == (["sync_binlog = 1"], Verdict.FAILED)


def test_a_restart_that_is_not_complete_at_the_deadline_is_reported_as_running(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.control = SlowServiceControl(host.clock, 1000)

    report = host.converge(build_document(performance_schema=True))

    assert (report.verdict, report.is_late) == (Verdict.FAILED, True)
    assert (
        report.readiness.worst_condition.actual
        == "it is being restarted; the command had not ended at the deadline"
    )


def test_with_a_lost_journal_no_file_is_put_back(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document())
    host.database.state = replace(host.database.state, schemas=("shop",))
    file = ChangeFile(host.folder / "configuration.json")
    file.write(replace(file.state, phase=Phase.RESTORING, previous="[mariadbd]\n"))
    corrupt_journal(tmp_path)
    before = host.file.read_text()

    report = host.converge(build_document())

    assert (report.readiness.worst_condition.name, host.file.read_text()) == ("journal", before)


def test_variables_need_an_option_file(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    build_reconciler = host.build_reconciler(build_document(back_log=9))
    bare = Reconciler(
        build_document(back_log=9),
        "task",
        "10.0.0.1",
        replace(build_reconciler.dependencies, configuration=None),
    )

    report = bare.converge(90)

    assert report.readiness.worst_condition.actual == "a machine without an option file of the agent's"


def test_a_state_is_read_back_and_a_torn_file_counts_as_missing(tmp_path: Path) -> None:
    kept = ChangeState(Phase.WRITTEN, "mariadb", "/f", "new", None, since=1.5, proved="{}")
    ChangeFile(tmp_path / "r").write(kept)

    assert ChangeFile(tmp_path / "r").state == kept
    (tmp_path / "r").write_text('{"version": 1')
    assert ChangeFile(tmp_path / "r").state == ChangeState()


def test_a_removed_dynamic_variable_gets_its_original_value_at_once(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.database.global_variables["wait_timeout"] = "1000"  # another option file's
    host.converge(build_document(wait_timeout=60))
    host.converge(build_document(wait_timeout=70))

    report = host.converge(build_document())

    assert report.verdict is Verdict.READY
    assert host.database.global_variables["wait_timeout"] == "1000"
    assert "wait_timeout" not in host.file.read_text()
    assert host.control.commands == []


def test_a_variable_with_its_original_value_is_no_longer_managed(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document(wait_timeout=60))
    host.converge(build_document())
    host.database.global_variables["wait_timeout"] = "500"

    host.converge(build_document())

    assert host.database.global_variables["wait_timeout"] == "500"
    assert host.read_state().originals == {}


def test_a_removed_static_variable_restarts_the_server_once(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document(back_log=9))
    assert host.control.commands == ["restart"]
    host.database.global_variables["back_log"] = "9"

    first = host.build_reconciler(build_document()).run_pass()
    host.database.global_variables["back_log"] = "80"
    report = host.converge(build_document())
    host.converge(build_document())

    assert "it was restarted" in first.worst_condition.actual
    assert report.verdict is Verdict.READY
    assert host.control.commands == ["restart", "restart"]


def test_a_removed_variable_without_a_known_original_gets_the_default(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document(wait_timeout=60))
    file = ChangeFile(tmp_path / "configuration.json")
    file.write(replace(file.state, originals={}))

    report = host.converge(build_document())

    assert report.verdict is Verdict.READY
    assert host.database.global_variables["wait_timeout"] == "28800"


def test_a_rejected_original_value_is_reported_and_not_retried(tmp_path: Path) -> None:
    host = FakeHost(tmp_path)
    host.converge(build_document(wait_timeout=60))
    file = ChangeFile(tmp_path / "configuration.json")
    file.write(replace(file.state, tried={"wait_timeout": SetAttempt("28800", "1231, can't be set")}))

    report = host.converge(build_document())

    output = next(each for each in report.readiness.conditions if each.name == "configuration")
    assert report.verdict is Verdict.READY
    assert host.database.global_variables["wait_timeout"] == "60"
    assert "with the server's next start: " in output.actual
    assert "wait_timeout (60 now)" in output.actual
