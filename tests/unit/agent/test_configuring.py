"""The option file and the restart on a machine of a test's own: cut anywhere, and with servers that do not come up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.configuration import Configuration, Ground
from guestagent.agent.configuration.record import Phase, Record, RecordFile, Tried
from guestagent.agent.configuration.sizes import GIB, Machine
from guestagent.agent.control import Ended, FakeControl
from guestagent.agent.edges import Edges, Report, Verdict
from guestagent.agent.journal import Journal
from guestagent.agent.model import Agreement
from guestagent.agent.pausing import Pause
from guestagent.agent.reconcile import Reconciler
from guestagent.database.edge import Database
from guestagent.database.fake import FRESH, Died, FakeDatabase, FakeSourceView
from guestagent.database.state import SourceState
from guestagent.errors import DatabaseUnreachable
from guestagent.metadata.document import CfnHandle, Document, Section
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.journals import garble_journal
from tests.unit.agent.states import history

LOGIN = SourceState(server_id=7, binary_log=True, history=history("0-7-5"))
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
        self.database = FakeDatabase(replace(FRESH, server_id=7, read_only=False), running=DEFAULTS)
        self.control, self.clock = (
            FakeControl(self.started, said="[ERROR] unknown variable 'back_log=7'"),
            FakeClock(),
        )
        self.boot = "boot 1"
        self.bad, self.up, self.mark = "back_log = 7\n", True, list[Pause]()
        self.born()

    def born(self) -> None:
        self.socket.unlink(missing_ok=True)
        self.socket.write_text("")
        self.database.running |= {"socket": str(self.socket), "datadir": str(self.folder)}

    def started(self) -> Ended:
        said = dict(
            line.split(" = ")
            for line in self.file.read_text().splitlines()
            if " = " in line and line[0] != "#"
        )
        self.up = self.bad not in self.file.read_text()
        if self.up:
            self.born()
            self.database.running |= {name: value for name, value in said.items() if name in DEFAULTS}
            self.database.running["log_bin"] = "ON"
        return Ended(self.up, "" if self.up else "Job failed")

    def open(self) -> Database:
        if not self.up:
            raise DatabaseUnreachable("nobody answers")
        return self.database

    def record(self) -> Record:
        return RecordFile(self.folder / "configuration.json").record

    def reconciler(self, wanted: Document) -> Reconciler:
        ground = Ground(
            file=lambda family: self.file,
            control=lambda family: self.control,
            machine=lambda data: Machine(2 * GIB, 2, 20 * GIB),
            record=RecordFile(self.folder / "configuration.json"),
            clock=self.clock,
            boot=self.boot,
        )
        edges = Edges(
            open=self.open,
            view=FakeSourceView(LOGIN),
            journal=Journal(self.folder / "journal.json", self.clock, self.boot),
            clock=self.clock,
            address_towards=lambda host: "10.0.0.7",
            paused=lambda: self.mark[0] if self.mark else None,
            configuration=Configuration(ground),
        )
        return Reconciler(wanted, "task", "10.0.0.1", edges)

    def converge(self, wanted: Document) -> Report:
        return self.reconciler(wanted).converge(wanted.section.deadline)


def test_a_dynamic_variable_needs_no_restart(tmp_path: Path) -> None:
    guest = Guest(tmp_path)

    report = guest.converge(document())

    assert report.verdict is Verdict.READY
    assert guest.control.done == []
    assert guest.database.running["sync_binlog"] == "1"
    assert "sync_binlog = 1" in guest.file.read_text()


def test_a_static_one_restarts_once_and_the_next_pass_nothing(tmp_path: Path) -> None:
    guest = Guest(tmp_path)

    report = guest.converge(document(performance_schema=True))
    writes = guest.database.writes
    again = guest.converge(document(performance_schema=True))

    assert (report.verdict, again.verdict) == (Verdict.READY, Verdict.READY)
    assert guest.control.done == ["restart"]
    assert guest.database.running["performance_schema"] == "ON"
    assert guest.database.writes == writes


def test_drift_of_a_static_variable_restarts_no_server_in_use(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document(performance_schema=True))
    guest.database.running["performance_schema"] = "OFF"

    report = guest.converge(document(performance_schema=True))

    assert report.verdict is Verdict.FAILED
    assert report.readiness.worst.seen == "performance_schema = OFF"
    assert guest.control.done == ["restart"]


def test_a_server_that_does_not_come_up_gets_the_file_before(tmp_path: Path) -> None:
    guest = Guest(tmp_path, image="[mariadbd]\nlog_bin = binlog\n# the image's\n")

    report = guest.converge(document(back_log=7))

    assert (report.verdict, guest.up) == (Verdict.FAILED, True)
    assert guest.file.read_text() == "[mariadbd]\nlog_bin = binlog\n# the image's\n"
    assert report.readiness.worst.seen == (
        "the server did not start with it (Job failed); variable: back_log; "
        "its last words: unknown variable 'back_log=7'"
    )
    assert guest.control.done == ["restart", "restart"]
    assert guest.converge(document(back_log=8)).verdict is Verdict.READY


def test_one_that_is_silent_for_the_deadline_gets_the_file_before(tmp_path: Path) -> None:
    guest = Guest(tmp_path)

    def silent() -> Ended:
        guest.started()
        return Ended(True)

    guest.control.happens = silent

    report = guest.converge(document(back_log=7))
    later = guest.reconciler(document(back_log=7))
    guest.clock.sleep(90)
    later.once()

    assert report.verdict is Verdict.FAILED
    assert "restart" in guest.control.done
    assert guest.record().phase is Phase.RETURNING
    assert "no answer" in guest.record().why
    assert "back_log" not in guest.file.read_text()


def start_silently(guest: Guest) -> None:
    """Have the service manager call a server that does not answer started."""

    def start() -> Ended:
        guest.started()
        return Ended(True)

    guest.control.happens = start


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
    guest.reconciler(document(back_log=7)).once()
    guest.clock.sleep(89)
    early = guest.reconciler(document(back_log=7)).once()
    guest.clock.sleep(1)
    guest.reconciler(document(back_log=7)).once()

    assert "(89 s after the restart)" in early.worst.seen
    assert guest.record().phase is Phase.RETURNING
    assert "back_log" not in guest.file.read_text()


def test_a_file_with_which_only_a_reboot_started_the_server_is_taken_back_too(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document())
    guest.bad, guest.control.said = "sync_binlog = 1\n", "[ERROR] unknown variable 'sync_binlog=1'"
    assert guest.record().phase is Phase.WRITTEN

    reboot(guest, uptime=40)
    report = guest.converge(document())

    assert guest.up
    assert report.verdict is Verdict.FAILED
    assert guest.file.read_text() == "[mariadbd]\nlog_bin = binlog\n"
    assert "the server did not start with it" in report.readiness.worst.seen


def test_a_reboot_and_a_start_command_that_does_not_work_blame_no_file(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document())
    written = guest.file.read_text()
    guest.control.happens, guest.control.said = lambda: Ended(False, "Unit mysqld.service not found."), ""

    reboot(guest, uptime=40)
    guest.up = False
    early = guest.reconciler(document()).once()
    guest.up = True
    report = guest.converge(document())

    assert "after the restart" in early.worst.seen
    assert report.verdict is Verdict.READY
    assert guest.file.read_text() == written


class Stubborn(Guest):
    """Whose server starts with no file at all for the first `fails` commands."""

    def __init__(self, folder: Path, fails: int) -> None:
        super().__init__(folder)
        self.fails, self.at = fails, list[float]()
        self.control.happens = self.tried

    def tried(self) -> Ended:
        self.at.append(self.clock.now())
        if len(self.at) <= self.fails:
            self.up = False
            return Ended(False, "Job failed")
        return self.started()


def test_a_server_that_fails_with_the_good_file_too_is_started_again_and_again(tmp_path: Path) -> None:
    guest = Stubborn(tmp_path, fails=6)

    report = guest.converge(document(back_log=9))

    assert guest.up
    assert report.verdict is Verdict.FAILED
    assert "back_log" not in guest.file.read_text()
    assert guest.control.done == ["restart", "restart", *["start"] * 5]
    pauses = [later - earlier for earlier, later in zip(guest.at[1:], guest.at[2:], strict=False)]
    assert all(pause >= least for pause, least in zip(pauses, (2, 4, 8, 16, 32), strict=True)), pauses


def test_why_the_good_file_does_not_help_is_told(tmp_path: Path) -> None:
    guest = Stubborn(tmp_path, fails=99)

    report = guest.converge(document(back_log=9))

    worst = report.readiness.worst
    assert (report.verdict, worst.agreement) == (Verdict.FAILED, Agreement.PENDING)
    assert worst.seen.startswith("it does not start with that file either (Job failed; its last words: unknown")
    assert worst.do == "see the server's error log; it is started again at least once every 60 s"


def test_who_stops_the_server_after_a_rollback_finds_it_stopped(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document(back_log=7))
    done = list(guest.control.done)
    guest.up = False

    guest.reconciler(document(back_log=7)).once()

    assert guest.record().phase is Phase.REFUSED
    assert guest.control.done == done


class Slow(FakeControl):
    """Takes its time for a restart."""

    def __init__(self, clock: FakeClock, seconds: float) -> None:
        super().__init__()
        self._clock, self._seconds = clock, seconds

    def restart(self, meanwhile: Callable[[], None]) -> Ended:
        self._clock.sleep(self._seconds)
        return super().restart(meanwhile)


class Killed(Guest):
    """Whose agent dies when the service command number `at` begins, or when it has ended."""

    def __init__(self, folder: Path, at: int, ended: bool) -> None:
        super().__init__(folder)
        self.control.happens = self.dying
        self.left, self.ended = at, ended

    def dying(self) -> Ended:
        self.left -= 1
        if self.left == 0 and not self.ended:
            raise Died
        said = self.started()
        if self.left == 0:
            raise Died
        return said


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("value", [7, 9])
def test_an_agent_that_is_killed_around_a_restart_converges(
    tmp_path: Path, at: int, ended: bool, value: int
) -> None:
    guest = Killed(tmp_path, at, ended)
    with suppress(Died):
        guest.converge(document(back_log=value))

    report = guest.converge(document(back_log=value))

    assert guest.up
    assert report.verdict is (Verdict.FAILED if value == 7 else Verdict.READY), report.readiness.worst
    assert ("back_log = 7\n" in guest.file.read_text()) is False


def test_under_a_pause_neither_file_nor_server_change(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    before, guest.mark = guest.file.read_text(), [Pause("alice", "now")]

    report = guest.converge(document(performance_schema=True))

    assert (guest.file.read_text(), guest.control.done, guest.database.writes) == (before, [], 0)
    assert "restart the database server for performance_schema" in report.readiness.worst.wanted


def test_under_a_pause_an_older_failed_attempt_does_not_count_for_a_new_value(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document())
    file = RecordFile(guest.folder / "configuration.json")
    file.keep(replace(file.record, tried={"sync_binlog": Tried("7", "too many")}))
    guest.database.running["sync_binlog"] = "0"
    guest.mark = [Pause("alice", "now")]

    report = guest.converge(document())

    wanted = [each.wanted for each in report.readiness.conditions if each.name == "configuration"]
    assert (wanted, report.verdict) == (["sync_binlog = 1"], Verdict.FAILED)


def test_a_restart_that_has_not_ended_at_the_deadline_is_not_told_as_done(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.control = Slow(guest.clock, 1000)

    report = guest.converge(document(performance_schema=True))

    assert (report.verdict, report.late) == (Verdict.FAILED, True)
    assert report.readiness.worst.seen == "it is being restarted; the command had not ended at the deadline"


def test_with_a_lost_journal_not_even_a_file_is_put_back(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document())
    guest.database.state = replace(guest.database.state, schemas=("shop",))
    file = RecordFile(guest.folder / "configuration.json")
    file.keep(replace(file.record, phase=Phase.RETURNING, previous="[mariadbd]\n"))
    garble_journal(tmp_path)
    before = guest.file.read_text()

    report = guest.converge(document())

    assert (report.readiness.worst.name, guest.file.read_text()) == ("journal", before)


def test_without_a_file_of_ours_variables_cannot_be_had(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    reconciler = guest.reconciler(document(back_log=9))
    bare = Reconciler(document(back_log=9), "task", "10.0.0.1", replace(reconciler.edges, configuration=None))

    report = bare.converge(90)

    assert report.readiness.worst.seen == "a machine without an option file of the agent's"


def test_what_the_record_holds_reads_back_and_a_torn_one_is_none(tmp_path: Path) -> None:
    kept = Record(Phase.WRITTEN, "mariadb", "/f", "new", None, since=1.5, proved="{}")
    RecordFile(tmp_path / "r").keep(kept)

    assert RecordFile(tmp_path / "r").record == kept
    (tmp_path / "r").write_text('{"version": 1')
    assert RecordFile(tmp_path / "r").record == Record()


def test_a_dynamic_variable_that_is_no_longer_asked_for_goes_back_at_once(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.database.running["wait_timeout"] = "1000"  # another option file's
    guest.converge(document(wait_timeout=60))
    guest.converge(document(wait_timeout=70))

    report = guest.converge(document())

    assert report.verdict is Verdict.READY
    assert guest.database.running["wait_timeout"] == "1000"
    assert "wait_timeout" not in guest.file.read_text()
    assert guest.control.done == []


def test_once_it_is_back_it_is_somebody_elses_affair(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document(wait_timeout=60))
    guest.converge(document())
    guest.database.running["wait_timeout"] = "500"

    guest.converge(document())

    assert guest.database.running["wait_timeout"] == "500"
    assert guest.record().originals == {}


def test_a_static_variable_that_is_no_longer_asked_for_restarts_the_server_once(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document(back_log=9))
    assert guest.control.done == ["restart"]
    guest.database.running["back_log"] = "9"

    first = guest.reconciler(document()).once()
    guest.database.running["back_log"] = "80"
    report = guest.converge(document())
    guest.converge(document())

    assert "it was restarted" in first.worst.seen
    assert report.verdict is Verdict.READY
    assert guest.control.done == ["restart", "restart"]


def test_what_an_older_agent_has_set_goes_back_to_the_servers_default(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document(wait_timeout=60))
    file = RecordFile(tmp_path / "configuration.json")
    file.keep(replace(file.record, originals={}))

    report = guest.converge(document())

    assert report.verdict is Verdict.READY
    assert guest.database.running["wait_timeout"] == "28800"


def test_a_value_that_the_server_does_not_take_back_is_told_and_not_tried_again(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.converge(document(wait_timeout=60))
    file = RecordFile(tmp_path / "configuration.json")
    file.keep(replace(file.record, tried={"wait_timeout": Tried("28800", "1231, can't be set")}))

    report = guest.converge(document())

    told = next(each for each in report.readiness.conditions if each.name == "configuration")
    assert report.verdict is Verdict.READY
    assert guest.database.running["wait_timeout"] == "60"
    assert "with the server's next start: " in told.seen
    assert "wait_timeout (60 now)" in told.seen
