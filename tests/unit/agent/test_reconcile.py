"""The reconcile loop on a database in memory, with a crash at every statement."""

import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.journal import Journal
from guestagent.agent.model import ConditionState
from guestagent.agent.outcome import Progress, Report, Verdict
from guestagent.agent.reconcile import Reconciler
from guestagent.database.fake import FRESH_SERVER, FakeDatabase, FakeSourceProbe, SimulatedCrash
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.mariadb.password_hash import hash_password
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.pending_statement import PendingStatement
from guestagent.database.protocols import SourceProbe
from guestagent.database.state import Account, ServerError, ServerState, SourceState
from guestagent.database.steps import StartChannel, Step, StopChannel
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
SOURCE_STATE = build_source_state("0-7-5")
LOGIN = SourceState(server_id=7, binary_log=True, history=UPSTREAM)


class Machine:
    """A node: its database, its disk and its clock."""

    def __init__(self, folder: Path, database: FakeDatabase, probe: SourceProbe | None = None) -> None:
        self.folder, self.database, self.clock = folder, database, FakeClock()
        self.probe = probe or FakeSourceProbe(SOURCE_STATE)
        self.progress_reports: list[Progress] = []
        self.is_interrupted: Callable[[], bool] = lambda: False

    def build_reconciler(self, document: Document) -> Reconciler:
        dependencies = PassDependencies(
            open_database=lambda: self.database,
            source_view=self.probe,
            journal=Journal(self.folder / "journal.json", self.clock, "boot 1"),
            clock=self.clock,
            find_own_address=lambda host: "10.0.0.8",
            is_interrupted=self.is_interrupted,
            report_progress=self.progress_reports.append,
        )
        return Reconciler(document, "task", "10.0.0.1", dependencies)

    def converge(self, document: Document) -> Report:
        return self.build_reconciler(document).converge(document.section.deadline)


def build_replica_database(state: ServerState = FRESH_SERVER, **options: object) -> FakeDatabase:
    return FakeDatabase(state, source_history=UPSTREAM, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("document", [SOURCE, REPLICA], ids=["source", "replica"])
def test_a_fresh_server_becomes_ready(tmp_path: Path, document: Document) -> None:
    machine = Machine(tmp_path, build_replica_database())

    report = machine.converge(document)

    assert report.verdict is Verdict.READY
    assert report.server is not None
    assert report.server.read_only == (document is REPLICA)


class CatchingUpDatabase(FakeDatabase):
    """A channel that has applied nothing when it starts, and everything after the first wait."""

    def wait_for_history(self, history: GtidHistory, seconds: float) -> None:
        self.state = replace(self.state, history=history)


def test_a_started_channel_gets_a_moment_before_it_is_judged(tmp_path: Path) -> None:
    machine = Machine(tmp_path, CatchingUpDatabase())

    report = machine.converge(REPLICA)

    assert report.verdict is Verdict.READY
    assert report.elapsed == 0, "it slept between two passes"


def run_with_crash(machine: Machine, document: Document) -> bool:
    """Reconcile until the database crashes. Return whether it has."""
    try:
        machine.converge(document)
    except SimulatedCrash:
        return True
    return False


@pytest.mark.parametrize("document", [SOURCE, REPLICA], ids=["source", "replica"])
def test_a_pass_after_a_crash_at_any_statement_converges(tmp_path: Path, document: Document) -> None:
    for statement in itertools.count():
        folder = tmp_path / str(statement)
        folder.mkdir()
        machine = Machine(folder, build_replica_database(fails_after=statement))
        has_crashed = run_with_crash(machine, document)
        machine.database = machine.database.reopen()

        assert machine.converge(document).verdict is Verdict.READY
        if not has_crashed:
            break
    assert statement >= 3


@pytest.mark.parametrize("document", [SOURCE, REPLICA], ids=["source", "replica"])
def test_a_second_pass_writes_nothing(tmp_path: Path, document: Document) -> None:
    machine = Machine(tmp_path, build_replica_database())
    machine.converge(document)
    machine.database = machine.database.reopen()
    journal = (tmp_path / "journal.json").read_bytes()

    report = machine.converge(document)

    assert report.verdict is Verdict.READY
    assert machine.database.write_count == 0
    assert (tmp_path / "journal.json").read_bytes() == journal


def test_a_new_user_and_a_removed_one_change_one_account_each(tmp_path: Path) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    machine.converge(SOURCE)

    report = machine.converge(replace(SOURCE, users=(USERS[1], User("slave0002", Secret("pw2")))))

    assert report.server is not None
    assert [a.account for a in report.server.accounts] == [
        Account("slave0001", "%"),
        Account("slave0002", "%"),
    ]


def test_managed_accounts_are_recognized_without_the_journal(tmp_path: Path) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    machine.converge(SOURCE)
    lose_journal(tmp_path)

    report = machine.converge(replace(SOURCE, users=USERS[:1]))

    assert report.server is not None
    assert [a.account.name for a in report.server.accounts] == ["slave0000"]


def test_a_login_that_is_rejected_at_first_is_tried_again(tmp_path: Path) -> None:
    failed_source = build_failed_source(1045, "Access denied for user 'slave0000'")
    machine = Machine(
        tmp_path,
        build_replica_database(),
        FakeSourceProbe(failed_source, failed_source, failed_source, SOURCE_STATE),
    )

    report = machine.converge(REPLICA)

    assert report.verdict is Verdict.READY
    assert any("1045" in progress.activity for progress in machine.progress_reports)


def test_an_error_that_lasts_until_the_deadline_fails_with_the_servers_message(tmp_path: Path) -> None:
    error = ServerError(1045, "Access denied for user 'slave0000'")
    machine = Machine(
        tmp_path, build_replica_database(receiver_error=error), FakeSourceProbe(SourceState(error=error))
    )

    report = machine.converge(REPLICA)

    assert (report.verdict, report.is_late) == (Verdict.FAILED, True)
    assert 90 <= report.elapsed < 93
    assert "1045" in str(report.readiness.worst_condition)


def test_a_final_condition_fails_at_once_without_changing_data(tmp_path: Path) -> None:
    state = replace(FRESH_SERVER, history=build_history("0-1-3"), schemas=("shop",))
    machine = Machine(tmp_path, build_replica_database(state))

    report = machine.converge(REPLICA)

    assert (report.verdict, report.is_late, machine.clock.slept) == (Verdict.FAILED, False, [])
    assert machine.database.state == state


def test_a_restart_of_the_agent_does_not_reset_the_deadline(tmp_path: Path) -> None:
    machine = Machine(
        tmp_path, build_replica_database(), FakeSourceProbe(build_failed_source(2003, "refused"))
    )
    machine.build_reconciler(REPLICA).run_pass()
    machine.clock.sleep(89)

    report = machine.converge(REPLICA)

    assert (report.verdict, report.is_late) == (Verdict.FAILED, True)
    assert report.elapsed < 93


def test_newer_metadata_interrupts_a_pass_between_two_steps(tmp_path: Path) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    machine.is_interrupted = lambda: machine.database.write_count > 0

    report = machine.converge(SOURCE)

    assert report.verdict is Verdict.INTERRUPTED
    assert machine.database.write_count == 1


def test_newer_metadata_interrupts_a_wait(tmp_path: Path) -> None:
    machine = Machine(
        tmp_path, build_replica_database(), FakeSourceProbe(build_failed_source(1045, "Access denied"))
    )
    machine.is_interrupted = lambda: bool(machine.clock.slept)

    assert machine.converge(REPLICA).verdict is Verdict.INTERRUPTED


def test_the_loop_waits_for_an_unreachable_server(tmp_path: Path) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    answers = iter([DatabaseUnreachable("no answer"), DatabaseUnreachable("no answer"), None])
    reconciler = machine.build_reconciler(SOURCE)

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
        Machine(tmp_path, FakeDatabase()).build_reconciler(SOURCE).dependencies, open_database=open_database
    )

    readiness = Reconciler(SOURCE, "task", "10.0.0.1", dependencies).run_pass()

    worst = readiness.worst_condition
    assert (worst.name, worst.state, worst.actual) == ("server", ConditionState.PENDING, "no answer in 5 s")


class BusyApplierDatabase(FakeDatabase):
    """Does not answer STOP SLAVE, and goes on executing it."""

    stop_count = 0

    def apply(self, step: Step) -> None:
        if isinstance(step, StopChannel):
            self.stop_count += 1
            self.state = replace(self.state, pending_statement=PENDING_STOP)
            raise DatabaseUnreachable("stop the channel: timed out")
        super().apply(step)


PENDING_STOP = PendingStatement("STOP SLAVE", "Killing slave", 4, ("Waiting for table metadata lock",))


def test_no_step_is_applied_while_the_server_executes_an_earlier_one(tmp_path: Path) -> None:
    first_machine = Machine(tmp_path, build_replica_database())
    assert first_machine.converge(REPLICA).verdict is Verdict.READY
    database = BusyApplierDatabase(first_machine.database.state, source_history=UPSTREAM)
    new_password = replace(REPLICA, source=Source("10.0.0.7", User("slave0000", Secret("new"))))
    machine = Machine(tmp_path, database)

    worst_conditions = [machine.build_reconciler(new_password).run_pass().worst_condition for _ in range(3)]

    assert [(worst.name, worst.state, worst.actual) for worst in worst_conditions] == [
        ("step", ConditionState.PENDING, str(PENDING_STOP))
    ] * 3
    assert database.stop_count == 1
    database.state = replace(database.state, pending_statement=None)
    assert not machine.build_reconciler(new_password).run_pass().is_ready
    assert database.stop_count == 2


def test_a_ready_server_that_executes_a_statement_is_ready(tmp_path: Path) -> None:
    machine = Machine(tmp_path, build_replica_database())
    assert machine.converge(REPLICA).verdict is Verdict.READY
    machine.database.state = replace(machine.database.state, pending_statement=PENDING_STOP)

    assert machine.build_reconciler(REPLICA).run_pass().is_ready


def test_a_step_without_an_answer_from_a_dead_server_is_an_error_of_the_server(tmp_path: Path) -> None:
    class DyingDatabase(FakeDatabase):
        def apply(self, step: Step) -> None:
            raise DatabaseUnreachable("connection lost")

    readiness = Machine(tmp_path, DyingDatabase()).build_reconciler(SOURCE).run_pass()

    worst = readiness.worst_condition
    assert (worst.name, worst.state, worst.actual) == ("server", ConditionState.PENDING, "connection lost")


def test_the_loop_waits_for_a_full_disk_and_applies_no_unjournalled_step(tmp_path: Path) -> None:
    (tmp_path / ".journal.json.draft").mkdir()
    machine = Machine(tmp_path, FakeDatabase())

    report = machine.converge(SOURCE)

    assert (report.verdict, report.is_late) == (Verdict.FAILED, True)
    assert sum(machine.clock.slept) == pytest.approx(SOURCE.section.deadline, abs=1)
    assert report.readiness.worst_condition.name == "journal"
    assert machine.database.write_count == 0


def test_transactions_that_both_have_executed_meanwhile_are_not_errant(tmp_path: Path) -> None:
    machine = Machine(
        tmp_path,
        FakeDatabase(source_history=build_history("0-7-9")),
        FakeSourceProbe(SOURCE_STATE, SOURCE_STATE, build_source_state("0-7-9")),
    )

    assert machine.converge(REPLICA).verdict is Verdict.READY


def test_a_source_without_a_login_over_tcp_is_not_ready(tmp_path: Path) -> None:
    machine = Machine(
        tmp_path, FakeDatabase(), FakeSourceProbe(build_failed_source(2003, "Connection refused"))
    )

    report = machine.converge(SOURCE)

    assert (report.verdict, report.is_late) == (Verdict.FAILED, True)
    assert "2003" in str(report.readiness.worst_condition)


def test_new_metadata_on_a_full_disk_does_not_count_the_time_of_the_old(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    machine.converge(SOURCE)
    machine.clock.sleep(7 * 86400)
    reconciler = Reconciler(
        SOURCE, "the next generation", "10.0.0.1", machine.build_reconciler(SOURCE).dependencies
    )
    (tmp_path / ".journal.json.draft").mkdir()

    report = reconciler.converge(90)

    assert report.elapsed == pytest.approx(90, abs=1)


def test_the_task_that_a_full_disk_kept_from_the_journal_is_written_by_the_next_pass(tmp_path: Path) -> None:
    (tmp_path / ".journal.json.draft").mkdir()
    machine = Machine(tmp_path, FakeDatabase())
    reconciler = machine.build_reconciler(SOURCE)
    reconciler.run_pass()
    (tmp_path / ".journal.json.draft").rmdir()

    reconciler.run_pass()

    assert Journal(tmp_path / "journal.json", machine.clock, "boot 1").state.task == "task"


def test_a_node_without_an_address_waits_for_one_to_derive_its_server_id(tmp_path: Path) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    document = replace(SOURCE, section=Section())
    addresses = iter([None, None, "10.0.0.8"])
    dependencies = replace(
        machine.build_reconciler(document).dependencies,
        find_own_address=lambda host: next(addresses, "10.0.0.8"),
    )

    report = Reconciler(document, "task", "heat.example", dependencies).converge(90)

    assert report.verdict is Verdict.READY
    assert any("no route to heat.example" in progress.activity for progress in machine.progress_reports)


def test_a_narrowed_account_stays_managed_after_a_crash_at_any_statement_without_the_journal(
    tmp_path: Path,
) -> None:
    for statement in itertools.count():
        folder = tmp_path / str(statement)
        folder.mkdir()
        machine = Machine(folder, FakeDatabase())
        machine.converge(SOURCE)
        lose_journal(folder)
        accounts = tuple(
            replace(account, has_other_privileges=True) for account in machine.database.state.accounts
        )
        state = replace(machine.database.state, accounts=accounts)
        machine.database = FakeDatabase(state, fails_after=statement)
        has_crashed = run_with_crash(machine, SOURCE)
        machine.database = machine.database.reopen()

        assert machine.converge(SOURCE).verdict is Verdict.READY
        if not has_crashed:
            break
    assert statement > 1


def test_the_channel_is_started_once_more_after_an_error_of_its_first_start(tmp_path: Path) -> None:
    """A long first replay may meet a lock that one more start repairs. The first start does not count as that one."""
    machine = Machine(tmp_path, build_replica_database())
    reconciler = machine.build_reconciler(REPLICA)
    reconciler.run_pass()
    channel = machine.database.state.channel
    assert channel is not None
    error = ServerError(1205, "Lock wait timeout exceeded")
    stopped = replace(channel, is_applier_running=False, lag=None, applier_error=error)
    machine.database.state = replace(machine.database.state, channel=stopped)

    readiness = reconciler.run_pass()

    assert machine.database.applied_steps[-1] == StartChannel()
    assert not readiness.is_final


def test_a_source_of_another_family_fails_at_once(tmp_path: Path) -> None:
    other = SourceState(7, True, MysqlHistory(), "9.7.4")
    machine = Machine(tmp_path, build_replica_database(), FakeSourceProbe(other))

    report = machine.converge(REPLICA)

    assert (report.verdict, report.is_late) == (Verdict.FAILED, False)
    assert "a MySQL (9.7.4)" in str(report.readiness.worst_condition)
    assert machine.database.applied_steps == []


def list_passwords(machine: Machine) -> list[tuple[Secret, Secret | None]]:
    """List the password hash of each account, and its retained one."""
    return [(account.password_hash, account.retained_hash) for account in machine.database.state.accounts]


def add_second_password(database: FakeDatabase, password: str) -> FakeDatabase:
    accounts = (
        replace(account, retained_hash=hash_password(Secret(password))) for account in database.state.accounts
    )
    return FakeDatabase(replace(database.state, accounts=tuple(accounts)))


def test_a_second_password_set_by_hand_is_discarded_by_the_next_pass(tmp_path: Path) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    machine.converge(SOURCE)
    before = list_passwords(machine)
    machine.database = add_second_password(machine.database, "unknown")

    report = machine.converge(SOURCE)

    assert report.verdict is Verdict.READY
    assert list_passwords(machine) == before == [(hash_password(Secret(f"pw{n}")), None) for n in range(2)]


def test_a_second_password_is_kept_by_an_agent_without_its_journal(tmp_path: Path) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    machine.converge(SOURCE)
    lose_journal(tmp_path)
    machine.database = add_second_password(machine.database, "old")

    report = machine.converge(SOURCE)

    assert report.verdict is Verdict.READY
    assert [retained for _, retained in list_passwords(machine)] == [hash_password(Secret("old"))] * 2


class CrashAfterStepDatabase(FakeDatabase):
    """The agent crashes after each step, before the journal records it."""

    def apply(self, step: Step) -> None:
        super().apply(step)
        raise SimulatedCrash


@pytest.mark.parametrize("crashes", [False, True], ids=["recorded", "not recorded"])
def test_a_password_set_by_an_interrupted_pass_is_retained_at_the_next_change(
    tmp_path: Path, crashes: bool
) -> None:
    machine = Machine(tmp_path, FakeDatabase())
    machine.converge(SOURCE)
    state = machine.database.state
    machine.database = CrashAfterStepDatabase(state) if crashes else FakeDatabase(state, fails_after=1)
    with suppress(SimulatedCrash):
        machine.converge(replace(SOURCE, users=(User("slave0000", Secret("second")), USERS[1])))
    machine.database = FakeDatabase(machine.database.state)

    machine.converge(replace(SOURCE, users=(User("slave0000", Secret("third")), USERS[1])))

    assert list_passwords(machine)[0] == (hash_password(Secret("third")), hash_password(Secret("second")))
