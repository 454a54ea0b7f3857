"""One pass and the loop around it, cut everywhere, on a database in memory."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.dependencies import PassDependencies, Progress, Report, Verdict
from guestagent.agent.journal import Journal
from guestagent.agent.model import ConditionState
from guestagent.agent.reconcile import Reconciler
from guestagent.database.fake import FRESH_SERVER, FakeDatabase, FakeSourceProbe, SimulatedCrash
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.mariadb.statements import hash_password
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.protocols import SourceProbe
from guestagent.database.state import Account, ServerError, ServerState, SourceState
from guestagent.database.steps import StartChannel, Step
from guestagent.errors import DatabaseUnreachable
from guestagent.metadata.document import CfnHandle, Document, Section, Source, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.agent_states import build_failed_source, build_history, build_source_state
from tests.support.journals import lose_journal

HANDLE = CfnHandle(Secret("http://10.0.0.1/handle?Signature=x"))
USERS = (User("slave0000", Secret("pw0")), User("slave0001", Secret("pw1")))
SOURCE = Document(HANDLE, users=USERS, section=Section(server_id=7))
REPLICA = Document(HANDLE, source=Source("10.0.0.7", USERS[0]), section=Section(server_id=8))
UPSTREAM = build_history("0-7-5")
WELL = build_source_state("0-7-5")
LOGIN = SourceState(server_id=7, binary_log=True, history=UPSTREAM)


class Machine:
    """A guest: its database, its disk and its clock."""

    def __init__(self, folder: Path, database: FakeDatabase, view: SourceProbe | None = None) -> None:
        self.folder, self.database, self.clock = folder, database, FakeClock()
        self.view = view or FakeSourceProbe(WELL)
        self.told: list[Progress] = []
        self.wanted: Callable[[], bool] = lambda: False

    def reconciler(self, document: Document) -> Reconciler:
        edges = PassDependencies(
            open_database=lambda: self.database,
            source_view=self.view,
            journal=Journal(self.folder / "journal.json", self.clock, "boot 1"),
            clock=self.clock,
            find_own_address=lambda host: "10.0.0.8",
            is_interrupted=self.wanted,
            report_progress=self.told.append,
        )
        return Reconciler(document, "task", "10.0.0.1", edges)

    def converge(self, document: Document) -> Report:
        return self.reconciler(document).converge(document.section.deadline)


def replica_database(state: ServerState = FRESH_SERVER, **more: object) -> FakeDatabase:
    return FakeDatabase(state, upstream=UPSTREAM, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("document", [SOURCE, REPLICA], ids=["source", "replica"])
def test_a_fresh_server_becomes_ready(tmp_path: Path, document: Document) -> None:
    machine = Machine(tmp_path, replica_database())

    report = machine.converge(document)

    assert report.verdict is Verdict.READY
    assert report.server is not None
    assert report.server.read_only == (document is REPLICA)


class Fetching(FakeDatabase):
    """A channel that has applied nothing when it was started, and all once it was waited for."""

    def wait_for_history(self, history: GtidHistory, seconds: float) -> None:
        self.state = replace(self.state, history=history)


def test_a_channel_that_was_just_started_gets_a_moment_before_it_is_judged(tmp_path: Path) -> None:
    machine = Machine(tmp_path, Fetching())

    report = machine.converge(REPLICA)

    assert report.verdict is Verdict.READY
    assert report.elapsed == 0, "it slept between two looks"


@pytest.mark.parametrize("cut", range(12))
@pytest.mark.parametrize("document", [SOURCE, REPLICA], ids=["source", "replica"])
def test_any_cut_converges(tmp_path: Path, document: Document, cut: int) -> None:
    machine = Machine(tmp_path, replica_database(dies_after=cut))

    with suppress(SimulatedCrash):
        machine.converge(document)
    machine.database = machine.database.reopen()
    report = machine.converge(document)

    assert report.verdict is Verdict.READY


@pytest.mark.parametrize("document", [SOURCE, REPLICA], ids=["source", "replica"])
def test_a_second_pass_writes_nothing(tmp_path: Path, document: Document) -> None:
    machine = Machine(tmp_path, replica_database())
    machine.converge(document)
    machine.database = machine.database.reopen()
    journal = (tmp_path / "journal.json").read_bytes()

    report = machine.converge(document)

    assert report.verdict is Verdict.READY
    assert machine.database.write_count == 0
    assert (tmp_path / "journal.json").read_bytes() == journal


def test_a_user_that_comes_and_one_that_goes_change_one_account_each(tmp_path: Path) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    machine.converge(SOURCE)

    report = machine.converge(replace(SOURCE, users=(USERS[1], User("slave0002", Secret("pw2")))))

    assert report.server is not None
    assert [a.account for a in report.server.accounts] == [
        Account("slave0001", "%"),
        Account("slave0002", "%"),
    ]


def test_managed_accounts_are_known_without_the_journal(tmp_path: Path) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    machine.converge(SOURCE)
    lose_journal(tmp_path)

    report = machine.converge(replace(SOURCE, users=USERS[:1]))

    assert report.server is not None
    assert [a.account.name for a in report.server.accounts] == ["slave0000"]


def test_a_replica_that_knocks_early_gets_in_later(tmp_path: Path) -> None:
    refused = build_failed_source(1045, "Access denied for user 'slave0000'")
    machine = Machine(tmp_path, replica_database(), FakeSourceProbe(refused, refused, refused, WELL))

    report = machine.converge(REPLICA)

    assert report.verdict is Verdict.READY
    assert any("1045" in progress.activity for progress in machine.told)


def test_what_does_not_pass_until_the_deadline_fails_with_the_servers_words(tmp_path: Path) -> None:
    denied = ServerError(1045, "Access denied for user 'slave0000'")
    machine = Machine(
        tmp_path, replica_database(connects_with=denied), FakeSourceProbe(SourceState(error=denied))
    )

    report = machine.converge(REPLICA)

    assert (report.verdict, report.is_late) == (Verdict.FAILED, True)
    assert 90 <= report.elapsed < 93
    assert "1045" in str(report.readiness.worst_condition)


def test_what_cannot_pass_fails_at_once_with_the_data_untouched(tmp_path: Path) -> None:
    own = replace(FRESH_SERVER, history=build_history("0-1-3"), schemas=("shop",))
    machine = Machine(tmp_path, replica_database(own))

    report = machine.converge(REPLICA)

    assert (report.verdict, report.is_late, machine.clock.slept) == (Verdict.FAILED, False, [])
    assert machine.database.state == own


def test_the_deadline_goes_on_through_a_restart_of_the_agent(tmp_path: Path) -> None:
    machine = Machine(tmp_path, replica_database(), FakeSourceProbe(build_failed_source(2003, "refused")))
    machine.reconciler(REPLICA).run_pass()
    machine.clock.sleep(89)

    report = machine.converge(REPLICA)

    assert (report.verdict, report.is_late) == (Verdict.FAILED, True)
    assert report.elapsed < 93


def test_newer_metadata_cuts_a_pass_between_two_steps(tmp_path: Path) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    machine.wanted = lambda: machine.database.write_count > 0

    report = machine.converge(SOURCE)

    assert report.verdict is Verdict.INTERRUPTED
    assert machine.database.write_count == 1


def test_a_wait_is_cut_too(tmp_path: Path) -> None:
    machine = Machine(
        tmp_path, replica_database(), FakeSourceProbe(build_failed_source(1045, "Access denied"))
    )
    machine.wanted = lambda: bool(machine.clock.slept)

    assert machine.converge(REPLICA).verdict is Verdict.INTERRUPTED


def test_a_silent_server_is_waited_for(tmp_path: Path) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    answers = iter([DatabaseUnreachable("no answer"), DatabaseUnreachable("no answer"), None])
    reconciler = machine.reconciler(SOURCE)

    def open_database() -> FakeDatabase:
        error = next(answers, None)
        if error is not None:
            raise error
        return machine.database

    reconciler = Reconciler(
        SOURCE, "task", "10.0.0.1", replace(reconciler.dependencies, open_database=open_database)
    )

    assert reconciler.converge(90).verdict is Verdict.READY
    assert machine.database.is_closed


def test_a_server_that_does_not_answer_is_pending_with_the_reason(tmp_path: Path) -> None:
    def open_database() -> FakeDatabase:
        raise DatabaseUnreachable("no answer in 5 s")

    dependencies = replace(
        Machine(tmp_path, FakeDatabase()).reconciler(SOURCE).dependencies, open_database=open_database
    )

    readiness = Reconciler(SOURCE, "task", "10.0.0.1", dependencies).run_pass()

    worst = readiness.worst_condition
    assert (worst.name, worst.state, worst.actual) == ("server", ConditionState.PENDING, "no answer in 5 s")


def test_a_full_disk_is_waited_for_and_nothing_is_done_unjournalled(tmp_path: Path) -> None:
    (tmp_path / ".journal.json.draft").mkdir()
    machine = Machine(tmp_path, FakeDatabase())

    report = machine.converge(SOURCE)

    assert (report.verdict, report.is_late) == (Verdict.FAILED, True)
    assert sum(machine.clock.slept) == pytest.approx(SOURCE.section.deadline, abs=1)
    assert report.readiness.worst_condition.name == "journal"
    assert machine.database.write_count == 0


def test_what_both_have_done_meanwhile_is_not_errant(tmp_path: Path) -> None:
    machine = Machine(
        tmp_path,
        FakeDatabase(upstream=build_history("0-7-9")),
        FakeSourceProbe(WELL, WELL, build_source_state("0-7-9")),
    )

    assert machine.converge(REPLICA).verdict is Verdict.READY


def test_a_source_that_cannot_be_logged_in_to_over_tcp_is_not_ready(tmp_path: Path) -> None:
    machine = Machine(
        tmp_path, FakeDatabase(), FakeSourceProbe(build_failed_source(2003, "Connection refused"))
    )

    report = machine.converge(SOURCE)

    assert (report.verdict, report.is_late) == (Verdict.FAILED, True)
    assert "2003" in str(report.readiness.worst_condition)


def test_a_disk_that_is_full_when_new_metadata_comes_does_not_count_the_time_of_the_old(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    machine.converge(SOURCE)
    machine.clock.sleep(7 * 86400)
    reconciler = Reconciler(
        SOURCE, "the next generation", "10.0.0.1", machine.reconciler(SOURCE).dependencies
    )
    (tmp_path / ".journal.json.draft").mkdir()

    report = reconciler.converge(90)

    assert report.elapsed == pytest.approx(90, abs=1)


def test_what_a_full_disk_kept_from_the_journal_is_written_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / ".journal.json.draft").mkdir()
    machine = Machine(tmp_path, FakeDatabase())
    reconciler = machine.reconciler(SOURCE)
    reconciler.run_pass()
    (tmp_path / ".journal.json.draft").rmdir()

    reconciler.run_pass()

    assert Journal(tmp_path / "journal.json", machine.clock, "boot 1").state.task == "task"


def test_a_node_without_an_address_waits_for_one_to_derive_its_server_id(tmp_path: Path) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    document = replace(SOURCE, section=Section())
    addresses = iter([None, None, "10.0.0.8"])
    edges = replace(
        machine.reconciler(document).dependencies, find_own_address=lambda host: next(addresses, "10.0.0.8")
    )

    report = Reconciler(document, "task", "heat.example", edges).converge(90)

    assert report.verdict is Verdict.READY
    assert any("no route to heat.example" in progress.activity for progress in machine.told)


@pytest.mark.parametrize("cut", range(6))
def test_a_narrowed_account_stays_ours_wherever_it_is_cut_also_without_the_journal(
    tmp_path: Path, cut: int
) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    machine.converge(SOURCE)
    lose_journal(tmp_path)
    wide = (replace(seen, has_other_privileges=True) for seen in machine.database.state.accounts)
    machine.database = FakeDatabase(replace(machine.database.state, accounts=tuple(wide)), dies_after=cut)

    with suppress(SimulatedCrash):
        machine.converge(SOURCE)
    machine.database = machine.database.reopen()

    assert machine.converge(SOURCE).verdict is Verdict.READY


def test_an_error_of_the_first_start_is_met_with_one_more(tmp_path: Path) -> None:
    """A long first replay may meet a lock that one more start repairs: the first one does not count as that."""
    machine = Machine(tmp_path, replica_database())
    reconciler = machine.reconciler(REPLICA)
    reconciler.run_pass()
    running = machine.database.state.channel
    assert running is not None
    waited = ServerError(1205, "Lock wait timeout exceeded")
    stopped = replace(running, is_applier_running=False, lag=None, applier_error=waited)
    machine.database.state = replace(machine.database.state, channel=stopped)

    again = reconciler.run_pass()

    assert machine.database.applied_steps[-1] == StartChannel()
    assert not again.is_final


def test_a_source_of_another_family_ends_the_work_at_once_and_is_not_followed(tmp_path: Path) -> None:
    other = SourceState(7, True, MysqlHistory(), "9.7.4")
    machine = Machine(tmp_path, replica_database(), FakeSourceProbe(other))

    report = machine.converge(REPLICA)

    assert (report.verdict, report.is_late) == (Verdict.FAILED, False)
    assert "a MySQL (9.7.4)" in str(report.readiness.worst_condition)
    assert machine.database.applied_steps == []


def passwords(machine: Machine) -> list[tuple[Secret, Secret | None]]:
    """What the server stores of each account's password, and of its retained one."""
    return [(seen.password_hash, seen.retained_hash) for seen in machine.database.state.accounts]


def with_a_second_password(database: FakeDatabase, password: str) -> FakeDatabase:
    accounts = (
        replace(seen, retained_hash=hash_password(Secret(password))) for seen in database.state.accounts
    )
    return FakeDatabase(replace(database.state, accounts=tuple(accounts)))


def test_a_second_password_that_somebody_gives_is_discarded_by_the_next_pass(tmp_path: Path) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    machine.converge(SOURCE)
    before = passwords(machine)
    machine.database = with_a_second_password(machine.database, "theirs")

    report = machine.converge(SOURCE)

    assert report.verdict is Verdict.READY
    assert passwords(machine) == before == [(hash_password(Secret(f"pw{n}")), None) for n in range(2)]


def test_a_second_password_is_left_alone_by_an_agent_that_has_lost_its_journal(tmp_path: Path) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    machine.converge(SOURCE)
    lose_journal(tmp_path)
    machine.database = with_a_second_password(machine.database, "old")

    report = machine.converge(SOURCE)

    assert report.verdict is Verdict.READY
    assert [retained for _, retained in passwords(machine)] == [hash_password(Secret("old"))] * 2


class DyingAfterwards(FakeDatabase):
    """Its agent ends right after a step has taken effect, before anything is noted of that."""

    def apply(self, step: Step) -> None:
        super().apply(step)
        raise SimulatedCrash


@pytest.mark.parametrize("dies", [False, True], ids=["noted", "not even noted"])
def test_a_password_that_was_set_in_a_pass_that_was_cut_is_retained_when_the_next_one_comes(
    tmp_path: Path, dies: bool
) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    machine.converge(SOURCE)
    state = machine.database.state
    machine.database = DyingAfterwards(state) if dies else FakeDatabase(state, dies_after=1)
    with suppress(SimulatedCrash):
        machine.converge(replace(SOURCE, users=(User("slave0000", Secret("second")), USERS[1])))
    machine.database = FakeDatabase(machine.database.state)

    machine.converge(replace(SOURCE, users=(User("slave0000", Secret("third")), USERS[1])))

    assert passwords(machine)[0] == (hash_password(Secret("third")), hash_password(Secret("second")))
