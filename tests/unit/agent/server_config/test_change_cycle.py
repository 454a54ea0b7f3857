"""The option file and the restart on a machine of a test's own: cut anywhere, and with servers that do not come up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.dependencies import PassDependencies, Report, Verdict
from guestagent.agent.journal import Journal
from guestagent.agent.model import ConditionState
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

LOGIN = SourceState(server_id=7, binary_log=True, history=build_history("0-7-5"))
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


def document(**variables: bool | int) -> Document:
    section = Section(node="Master0000", server_id=7, variables=variables)
    return Document(CfnHandle(Secret("http://10.0.0.1/handle?Signature=x")), section=section)


class Guest:
    """A machine with a server that reads its option file when it is restarted. `bad`: what it does not start with."""

    def __init__(self, folder: Path, image: str = "[mariadbd]\nlog_bin = binlog\n") -> None:
        self.folder, self.file, self.socket = folder, folder / "90-guestagent.cnf", folder / "socket"
        self.file.write_text(image)
        self.database = FakeDatabase(
            replace(FRESH_SERVER, server_id=7, read_only=False), global_variables=DEFAULTS
        )
        self.control, self.clock = (
            FakeServiceControl(self.started, log_output="[ERROR] unknown variable 'back_log=7'"),
            FakeClock(),
        )
        self.boot = "boot 1"
        self.bad, self.up, self.mark = "back_log = 7\n", True, list[Pause]()
        self.born()

    def born(self) -> None:
        self.socket.unlink(missing_ok=True)
        self.socket.write_text("")
        self.database.global_variables |= {"socket": str(self.socket), "datadir": str(self.folder)}

    def started(self) -> CommandResult:
        said = dict(
            line.split(" = ")
            for line in self.file.read_text().splitlines()
            if " = " in line and line[0] != "#"
        )
        self.up = self.bad not in self.file.read_text()
        if self.up:
            self.born()
            self.database.global_variables |= {
                name: value for name, value in said.items() if name in DEFAULTS
            }
            self.database.global_variables["log_bin"] = "ON"
        return CommandResult(self.up, "" if self.up else "Job failed")

    def open(self) -> Database:
        if not self.up:
            raise DatabaseUnreachable("nobody answers")
        return self.database

    def record(self) -> ChangeState:
        return ChangeFile(self.folder / "configuration.json").state

    def reconciler(self, wanted: Document) -> Reconciler:
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
            source_view=FakeSourceProbe(LOGIN),
            journal=Journal(self.folder / "journal.json", self.clock, self.boot),
            clock=self.clock,
            find_own_address=lambda host: "10.0.0.7",
            read_pause=lambda: self.mark[0] if self.mark else None,
            configuration=ServerConfiguration(ground),
        )
        return Reconciler(wanted, "task", "10.0.0.1", edges)

    def converge(self, wanted: Document) -> Report:
        return self.reconciler(wanted).converge(wanted.section.deadline)


def test_a_dynamic_variable_needs_no_restart(tmp_path: Path) -> None:
    guest = Guest(tmp_path)

    report = guest.converge(document())

    assert report.verdict is Verdict.READY
    assert guest.control.commands == []
    assert guest.database.global_variables["sync_binlog"] == "1"
    assert "sync_binlog = 1" in guest.file.read_text()


def test_a_static_one_restarts_once_and_the_next_pass_nothing(tmp_path: Path) -> None:
    guest = Guest(tmp_path)

    report = guest.converge(document(performance_schema=True))
    writes = guest.database.write_count
    again = guest.converge(document(performance_schema=True))

    assert (report.verdict, again.verdict) == (Verdict.READY, Verdict.READY)
    assert guest.control.commands == ["restart"]
    assert guest.database.global_variables["performance_schema"] == "ON"
    assert guest.database.write_count == writes


def test_drift_of_a_static_variable_restarts_no_server_in_use(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document(performance_schema=True))
    guest.database.global_variables["performance_schema"] = "OFF"

    report = guest.converge(document(performance_schema=True))

    assert report.verdict is Verdict.FAILED
    assert report.readiness.worst_condition.actual == "performance_schema = OFF"
    assert guest.control.commands == ["restart"]


def test_a_server_that_does_not_come_up_gets_the_file_before(tmp_path: Path) -> None:
    guest = Guest(tmp_path, image="[mariadbd]\nlog_bin = binlog\n# the image's\n")

    report = guest.converge(document(back_log=7))

    assert (report.verdict, guest.up) == (Verdict.FAILED, True)
    assert guest.file.read_text() == "[mariadbd]\nlog_bin = binlog\n# the image's\n"
    assert report.readiness.worst_condition.actual == (
        "the server did not start with it (Job failed); variable: back_log; "
        "its last words: unknown variable 'back_log=7'"
    )
    assert guest.control.commands == ["restart", "restart"]
    assert guest.converge(document(back_log=8)).verdict is Verdict.READY


def test_one_that_is_silent_for_the_deadline_gets_the_file_before(tmp_path: Path) -> None:
    guest = Guest(tmp_path)

    def silent() -> CommandResult:
        guest.started()
        return CommandResult(True)

    guest.control.on_command = silent

    report = guest.converge(document(back_log=7))
    later = guest.reconciler(document(back_log=7))
    guest.clock.sleep(90)
    later.run_pass()

    assert report.verdict is Verdict.FAILED
    assert "restart" in guest.control.commands
    assert guest.record().phase is Phase.RESTORING
    assert "no answer" in guest.record().why
    assert "back_log" not in guest.file.read_text()


def start_silently(guest: Guest) -> None:
    """Have the service manager call a server that does not answer started."""

    def start() -> CommandResult:
        guest.started()
        return CommandResult(True)

    guest.control.on_command = start


def reboot(guest: Guest, uptime: float) -> None:
    """Have the machine come up anew: its clock begins at zero, and it has started the server by itself."""
    guest.boot, guest.clock.time = f"after {guest.boot}", uptime
    guest.started()


def test_after_weeks_a_power_cut_in_the_restart_does_not_keep_the_file_for_weeks(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.clock.time = 30 * 86400.0
    start_silently(guest)
    guest.converge(document(back_log=7))

    reboot(guest, uptime=40)
    guest.reconciler(document(back_log=7)).run_pass()
    guest.clock.sleep(89)
    early = guest.reconciler(document(back_log=7)).run_pass()
    guest.clock.sleep(1)
    guest.reconciler(document(back_log=7)).run_pass()

    assert "(89 s after the restart)" in early.worst_condition.actual
    assert guest.record().phase is Phase.RESTORING
    assert "back_log" not in guest.file.read_text()


def test_a_file_with_which_only_a_reboot_started_the_server_is_taken_back_too(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document())
    guest.bad, guest.control.log_output = "sync_binlog = 1\n", "[ERROR] unknown variable 'sync_binlog=1'"
    assert guest.record().phase is Phase.WRITTEN

    reboot(guest, uptime=40)
    report = guest.converge(document())

    assert guest.up
    assert report.verdict is Verdict.FAILED
    assert guest.file.read_text() == "[mariadbd]\nlog_bin = binlog\n"
    assert "the server did not start with it" in report.readiness.worst_condition.actual


def test_a_reboot_and_a_start_command_that_does_not_work_blame_no_file(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document())
    written = guest.file.read_text()
    guest.control.on_command, guest.control.log_output = (
        lambda: CommandResult(False, "Unit mysqld.service not found."),
        "",
    )

    reboot(guest, uptime=40)
    guest.up = False
    early = guest.reconciler(document()).run_pass()
    guest.up = True
    report = guest.converge(document())

    assert "after the restart" in early.worst_condition.actual
    assert report.verdict is Verdict.READY
    assert guest.file.read_text() == written


class Stubborn(Guest):
    """Whose server starts with no file at all for the first `fails` commands."""

    def __init__(self, folder: Path, fails: int) -> None:
        super().__init__(folder)
        self.fails, self.at = fails, list[float]()
        self.control.on_command = self.tried

    def tried(self) -> CommandResult:
        self.at.append(self.clock.now())
        if len(self.at) <= self.fails:
            self.up = False
            return CommandResult(False, "Job failed")
        return self.started()


def test_a_server_that_fails_with_the_good_file_too_is_started_again_and_again(tmp_path: Path) -> None:
    guest = Stubborn(tmp_path, fails=6)

    report = guest.converge(document(back_log=9))

    assert guest.up
    assert report.verdict is Verdict.FAILED
    assert "back_log" not in guest.file.read_text()
    assert guest.control.commands == ["restart", "restart", *["start"] * 5]
    pauses = [later - earlier for earlier, later in zip(guest.at[1:], guest.at[2:], strict=False)]
    assert all(pause >= least for pause, least in zip(pauses, (2, 4, 8, 16, 32), strict=True)), pauses


def test_why_the_good_file_does_not_help_is_told(tmp_path: Path) -> None:
    guest = Stubborn(tmp_path, fails=99)

    report = guest.converge(document(back_log=9))

    worst = report.readiness.worst_condition
    assert (report.verdict, worst.state) == (Verdict.FAILED, ConditionState.PENDING)
    assert worst.actual.startswith(
        "it does not start with that file either (Job failed; its last words: unknown"
    )
    assert worst.advice == "see the server's error log; it is started again at least once every 60 s"


def test_who_stops_the_server_after_a_rollback_finds_it_stopped(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document(back_log=7))
    done = list(guest.control.commands)
    guest.up = False

    guest.reconciler(document(back_log=7)).run_pass()

    assert guest.record().phase is Phase.REFUSED
    assert guest.control.commands == done


class Slow(FakeServiceControl):
    """Takes its time for a restart."""

    def __init__(self, clock: FakeClock, seconds: float) -> None:
        super().__init__()
        self._clock, self._seconds = clock, seconds

    def restart(self, meanwhile: Callable[[], None]) -> CommandResult:
        self._clock.sleep(self._seconds)
        return super().restart(meanwhile)


class Killed(Guest):
    """Whose agent dies when the service command number `at` begins, or when it has ended."""

    def __init__(self, folder: Path, at: int, ended: bool) -> None:
        super().__init__(folder)
        self.control.on_command = self.dying
        self.left, self.ended = at, ended

    def dying(self) -> CommandResult:
        self.left -= 1
        if self.left == 0 and not self.ended:
            raise SimulatedCrash
        said = self.started()
        if self.left == 0:
            raise SimulatedCrash
        return said


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("value", [7, 9])
def test_an_agent_that_is_killed_around_a_restart_converges(
    tmp_path: Path, at: int, ended: bool, value: int
) -> None:
    guest = Killed(tmp_path, at, ended)
    with suppress(SimulatedCrash):
        guest.converge(document(back_log=value))

    report = guest.converge(document(back_log=value))

    assert guest.up
    assert report.verdict is (Verdict.FAILED if value == 7 else Verdict.READY), (
        report.readiness.worst_condition
    )
    assert ("back_log = 7\n" in guest.file.read_text()) is False


def test_under_a_pause_neither_file_nor_server_change(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    before, guest.mark = guest.file.read_text(), [Pause("alice", "now")]

    report = guest.converge(document(performance_schema=True))

    assert (guest.file.read_text(), guest.control.commands, guest.database.write_count) == (before, [], 0)
    assert "restart the database server for performance_schema" in report.readiness.worst_condition.expected


def test_under_a_pause_an_older_failed_attempt_does_not_count_for_a_new_value(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document())
    file = ChangeFile(guest.folder / "configuration.json")
    file.write(replace(file.state, tried={"sync_binlog": SetAttempt("7", "too many")}))
    guest.database.global_variables["sync_binlog"] = "0"
    guest.mark = [Pause("alice", "now")]

    report = guest.converge(document())

    wanted = [each.expected for each in report.readiness.conditions if each.name == "configuration"]
    assert (wanted, report.verdict) == (["sync_binlog = 1"], Verdict.FAILED)


def test_a_restart_that_has_not_ended_at_the_deadline_is_not_told_as_done(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.control = Slow(guest.clock, 1000)

    report = guest.converge(document(performance_schema=True))

    assert (report.verdict, report.is_late) == (Verdict.FAILED, True)
    assert (
        report.readiness.worst_condition.actual
        == "it is being restarted; the command had not ended at the deadline"
    )


def test_with_a_lost_journal_not_even_a_file_is_put_back(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document())
    guest.database.state = replace(guest.database.state, schemas=("shop",))
    file = ChangeFile(guest.folder / "configuration.json")
    file.write(replace(file.state, phase=Phase.RESTORING, previous="[mariadbd]\n"))
    corrupt_journal(tmp_path)
    before = guest.file.read_text()

    report = guest.converge(document())

    assert (report.readiness.worst_condition.name, guest.file.read_text()) == ("journal", before)


def test_without_a_file_of_ours_variables_cannot_be_had(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    reconciler = guest.reconciler(document(back_log=9))
    bare = Reconciler(
        document(back_log=9), "task", "10.0.0.1", replace(reconciler.dependencies, configuration=None)
    )

    report = bare.converge(90)

    assert report.readiness.worst_condition.actual == "a machine without an option file of the agent's"


def test_what_the_record_holds_reads_back_and_a_torn_one_is_none(tmp_path: Path) -> None:
    kept = ChangeState(Phase.WRITTEN, "mariadb", "/f", "new", None, since=1.5, proved="{}")
    ChangeFile(tmp_path / "r").write(kept)

    assert ChangeFile(tmp_path / "r").state == kept
    (tmp_path / "r").write_text('{"version": 1')
    assert ChangeFile(tmp_path / "r").state == ChangeState()


def test_a_dynamic_variable_that_is_no_longer_asked_for_goes_back_at_once(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.database.global_variables["wait_timeout"] = "1000"  # another option file's
    guest.converge(document(wait_timeout=60))
    guest.converge(document(wait_timeout=70))

    report = guest.converge(document())

    assert report.verdict is Verdict.READY
    assert guest.database.global_variables["wait_timeout"] == "1000"
    assert "wait_timeout" not in guest.file.read_text()
    assert guest.control.commands == []


def test_once_it_is_back_it_is_somebody_elses_affair(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document(wait_timeout=60))
    guest.converge(document())
    guest.database.global_variables["wait_timeout"] = "500"

    guest.converge(document())

    assert guest.database.global_variables["wait_timeout"] == "500"
    assert guest.record().originals == {}


def test_a_static_variable_that_is_no_longer_asked_for_restarts_the_server_once(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document(back_log=9))
    assert guest.control.commands == ["restart"]
    guest.database.global_variables["back_log"] = "9"

    first = guest.reconciler(document()).run_pass()
    guest.database.global_variables["back_log"] = "80"
    report = guest.converge(document())
    guest.converge(document())

    assert "it was restarted" in first.worst_condition.actual
    assert report.verdict is Verdict.READY
    assert guest.control.commands == ["restart", "restart"]


def test_what_an_older_agent_has_set_goes_back_to_the_servers_default(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document(wait_timeout=60))
    file = ChangeFile(tmp_path / "configuration.json")
    file.write(replace(file.state, originals={}))

    report = guest.converge(document())

    assert report.verdict is Verdict.READY
    assert guest.database.global_variables["wait_timeout"] == "28800"


def test_a_value_that_the_server_does_not_take_back_is_told_and_not_tried_again(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document(wait_timeout=60))
    file = ChangeFile(tmp_path / "configuration.json")
    file.write(replace(file.state, tried={"wait_timeout": SetAttempt("28800", "1231, can't be set")}))

    report = guest.converge(document())

    told = next(each for each in report.readiness.conditions if each.name == "configuration")
    assert report.verdict is Verdict.READY
    assert guest.database.global_variables["wait_timeout"] == "60"
    assert "with the server's next start: " in told.actual
    assert "wait_timeout (60 now)" in told.actual
