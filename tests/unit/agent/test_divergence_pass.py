"""A pass on a replica that parts from its source: the journal first, then nothing."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.divergence import SourceIdentity
from guestagent.agent.journal import Journal
from guestagent.agent.outcome import Report, Verdict
from guestagent.agent.reconcile import Reconciler
from guestagent.database.binlog_comparison import CompareBinlogs, ComparisonResult
from guestagent.database.fake import FRESH_SERVER, FakeDatabase, FakeSourceProbe, SimulatedCrash
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.state import ReceiverState, ServerError, SourceState
from guestagent.metadata.document import CfnHandle, Document, Section, Source, Tls, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.agent_states import build_channel, build_history, build_source_state

HANDLE = CfnHandle(Secret("http://10.0.0.1/handle?Signature=x"))
SOURCE = Source("10.0.0.7", User("slave0000", Secret("pw")))
REPLICA = Document(HANDLE, source=SOURCE, section=Section(server_id=8))
AHEAD = ServerError(1236, "requested to start from GTID 0-7-9, which is not in the master's binlog")
STOPPED = replace(
    FRESH_SERVER,
    server_id=8,
    history=build_history("0-7-5"),
    channel=build_channel(receiver=ReceiverState.STOPPED, receiver_error=AHEAD, lag=None),
)

EQUAL = ComparisonResult()
UNREAD = ComparisonResult(incomplete_reason="no answer")


class FakeComparison:
    """Comparisons as they end, the last one again and again. `asked`: from where, and without what."""

    def __init__(self, *results: ComparisonResult) -> None:
        self.asked: list[tuple[str, str]] = []
        self._results = [*results]

    def __call__(
        self,
        source: Source,
        tls: Tls | None,
        since: GtidHistory,
        until: GtidHistory,
        equal: GtidHistory | None,
        accepted: Mapping[str, int],
    ) -> ComparisonResult:
        self.asked.append((str(since), "" if equal is None else str(equal)))
        return self._results.pop(0) if len(self._results) > 1 else self._results[0]


def run_pass(
    folder: Path,
    database: FakeDatabase,
    *seen: SourceState,
    document: Document = REPLICA,
    logs: CompareBinlogs = lambda source, tls, since, until, equal, accepted: EQUAL,
) -> Report:
    """One agent's work, from its start to its verdict. `logs`: what a comparison of the logs finds."""
    clock = FakeClock()
    edges = PassDependencies(
        open_database=lambda: database,
        source_view=FakeSourceProbe(*seen),
        journal=Journal(folder / "journal.json", clock, "boot 1"),
        clock=clock,
        find_own_address=lambda host: "10.0.0.8",
        compare_logs=logs,
    )
    return Reconciler(document, "task", "10.0.0.1", edges).converge(document.section.deadline)


def test_a_channel_that_stopped_because_the_replica_is_ahead_is_never_started(tmp_path: Path) -> None:
    database = FakeDatabase(STOPPED, source_history=build_history("0-7-500"))

    reports = [
        run_pass(tmp_path, database, build_source_state(gtids)) for gtids in ("0-7-4", "0-7-9", "0-7-500")
    ]

    assert [report.verdict for report in reports] == [Verdict.FAILED] * 3
    assert not any(report.is_late for report in reports)
    assert database.applied_steps == []


def test_nothing_is_done_when_the_parting_cannot_be_kept(tmp_path: Path) -> None:
    moved = replace(STOPPED, channel=build_channel("10.0.0.99"))
    Journal(tmp_path / "journal.json", FakeClock(), "boot 1").begin_task("task")
    (tmp_path / ".journal.json.draft").mkdir()
    database = FakeDatabase(moved)

    report = run_pass(tmp_path, database, build_source_state("0-7-4"))

    assert report.readiness.worst_condition.name == "journal"
    assert database.applied_steps == []


def test_a_second_look_at_a_parting_writes_nothing(tmp_path: Path) -> None:
    run_pass(tmp_path, FakeDatabase(STOPPED), build_source_state("0-7-4"))
    journal = (tmp_path / "journal.json").read_bytes()

    run_pass(tmp_path, FakeDatabase(STOPPED), build_source_state("0-7-400"))

    assert (tmp_path / "journal.json").read_bytes() == journal


def test_an_accepted_source_is_followed_after_a_crash_at_any_statement(tmp_path: Path) -> None:
    for statement in itertools.count():
        folder = tmp_path / str(statement)
        folder.mkdir()
        run_pass(folder, FakeDatabase(STOPPED), build_source_state("0-7-9"))
        journal = Journal(folder / "journal.json", FakeClock(), "boot 1")
        journal.accept_source(SourceIdentity("10.0.0.7", 3306))
        database = FakeDatabase(STOPPED, source_history=build_history("0-7-9"), fails_after=statement)

        has_crashed = True
        with suppress(SimulatedCrash):
            run_pass(folder, database, build_source_state("0-7-9"))
            has_crashed = False
        report = run_pass(folder, database.reopen(), build_source_state("0-7-9"))

        assert report.verdict is Verdict.READY
        if not has_crashed:
            break
    assert statement > 1


def test_a_replica_that_lags_remembers_what_its_source_has_shown(tmp_path: Path) -> None:
    behind = replace(STOPPED, channel=build_channel(lag=100))
    run_pass(tmp_path, FakeDatabase(behind), build_source_state("0-7-20"))

    report = run_pass(tmp_path, FakeDatabase(behind), build_source_state("0-7-12"))

    assert report.readiness.is_final
    assert "the source has lost 0-7-20" in report.readiness.worst_condition.actual


@pytest.mark.parametrize(
    "life", [{"start_time": 5000}, {"start_time": 1000, "reset_count": 1}], ids=["restart", "RESET"]
)
def test_a_source_whose_log_differs_after_another_life_began_is_never_followed(
    tmp_path: Path, life: dict[str, int]
) -> None:
    database = FakeDatabase(replace(STOPPED, channel=None), source_history=build_history("0-7-9"))
    ready = run_pass(tmp_path, database, build_source_state("0-7-9", start_time=1000))

    parted = run_pass(
        tmp_path,
        database,
        build_source_state("0-7-40", **life),
        logs=FakeComparison(ComparisonResult("0-7-9")),
    )
    later = run_pass(tmp_path, database, build_source_state("0-7-40", **life))

    assert ready.verdict is Verdict.READY
    assert "another transaction under 0-7-9" in parted.readiness.worst_condition.actual
    assert later.readiness.is_final


def test_a_log_that_could_not_be_read_is_read_at_the_next_work(tmp_path: Path) -> None:
    database = FakeDatabase(replace(STOPPED, channel=None), source_history=build_history("0-7-9"))
    run_pass(tmp_path, database, build_source_state("0-7-9", start_time=1000))

    run_pass(tmp_path, database, build_source_state("0-7-9", start_time=5000), logs=FakeComparison(UNREAD))
    report = run_pass(
        tmp_path,
        database,
        build_source_state("0-7-9", start_time=5000),
        logs=FakeComparison(ComparisonResult("0-7-9")),
    )

    assert report.readiness.is_final


def restart(folder: Path, logs: FakeComparison, *, replica: str = "0-7-9", source: str = "0-7-9") -> Report:
    """Make a replica ready, let its source restart, and work on the replica again."""
    database = FakeDatabase(replace(STOPPED, channel=None), source_history=build_history("0-7-9"))
    assert run_pass(folder, database, build_source_state("0-7-9", start_time=1000)).verdict is Verdict.READY
    later = FakeDatabase(
        replace(STOPPED, history=build_history(replica), channel=build_channel()),
        source_history=build_history(replica),
    )
    return run_pass(folder, later, build_source_state(source, start_time=5000), logs=logs)


def test_a_replica_waits_until_the_logs_of_a_restarted_source_are_compared(tmp_path: Path) -> None:
    report = restart(tmp_path, FakeComparison(UNREAD))

    worst = report.readiness.worst_condition
    assert (report.verdict, report.is_late, worst.name) == (Verdict.FAILED, True, "history")
    assert (
        "the binary logs of this source since its restart have not been compared yet (no answer)"
        in worst.actual
    )


def test_a_replica_is_ready_when_the_logs_could_be_read_at_last(tmp_path: Path) -> None:
    logs = FakeComparison(UNREAD, UNREAD, EQUAL)

    report = restart(tmp_path, logs)

    assert report.verdict is Verdict.READY
    assert len(logs.asked) == 3


def test_a_comparison_that_ends_early_goes_on_where_it_ended(tmp_path: Path) -> None:
    early = ComparisonResult(
        common_history=build_history("0-7-400"), incomplete_reason="more than 20000 transactions"
    )
    logs = FakeComparison(early, replace(early, common_history=build_history("0-7-800")), EQUAL)

    report = restart(tmp_path, logs, replica="0-7-900", source="0-7-900")

    assert report.verdict is Verdict.READY
    assert logs.asked == [("0-7-9", ""), ("0-7-400", "0-7-400"), ("0-7-800", "0-7-800")]


def test_a_difference_after_the_place_where_a_comparison_ended_early_is_a_parting(tmp_path: Path) -> None:
    early = ComparisonResult(
        common_history=build_history("0-7-400"), incomplete_reason="more than 20000 transactions"
    )

    report = restart(
        tmp_path, FakeComparison(early, ComparisonResult("0-7-401")), replica="0-7-900", source="0-7-900"
    )

    assert report.readiness.is_final
    assert "another transaction under 0-7-401" in report.readiness.worst_condition.actual


def test_an_agent_that_starts_anew_goes_on_where_the_last_comparison_ended(tmp_path: Path) -> None:
    early = ComparisonResult(
        common_history=build_history("0-7-400"), incomplete_reason="more than 20000 transactions"
    )
    restart(tmp_path, FakeComparison(early, UNREAD), replica="0-7-900", source="0-7-900")
    here = replace(STOPPED, history=build_history("0-7-900"), channel=build_channel())
    logs = FakeComparison(EQUAL)

    run_pass(tmp_path, FakeDatabase(here), build_source_state("0-7-900", start_time=5000), logs=logs)

    assert logs.asked == [("0-7-400", "")]


def test_a_transaction_that_fills_a_whole_comparison_is_not_read_for_ever(tmp_path: Path) -> None:
    huge = ComparisonResult(
        common_history=build_history("0-7-9"), incomplete_reason="it was stopped after 64 MiB"
    )
    logs = FakeComparison(huge, EQUAL)

    report = restart(tmp_path, logs, replica="0-7-12", source="0-7-12")

    assert report.verdict is Verdict.READY
    assert logs.asked == [("0-7-9", ""), ("0-7-9", "0-7-9")]


def test_what_was_executed_after_the_first_look_is_compared_too(tmp_path: Path) -> None:
    lagging = replace(STOPPED, history=build_history("0-7-9"), channel=None)
    logs = FakeComparison(EQUAL, ComparisonResult("0-7-11"))
    ready = FakeDatabase(replace(STOPPED, channel=None), source_history=build_history("0-7-9"))
    run_pass(tmp_path, ready, build_source_state("0-7-9", start_time=1000))

    report = run_pass(
        tmp_path,
        FakeDatabase(lagging, source_history=build_history("0-7-12")),
        build_source_state("0-7-12", start_time=5000),
        logs=logs,
    )

    assert "another transaction under 0-7-11" in report.readiness.worst_condition.actual


def test_a_replica_that_lags_is_compared_once_and_reads_no_log_until_it_has_caught_up(tmp_path: Path) -> None:
    logs = FakeComparison(EQUAL)

    restart(tmp_path, logs, replica="0-7-9", source="0-7-5000")

    assert len(logs.asked) == 1


def test_logs_that_cannot_be_compared_hold_no_replica_back(tmp_path: Path) -> None:
    logs = FakeComparison(ComparisonResult(failure_reason="the source: it has purged them"))

    report = restart(tmp_path, logs)

    message = [condition.actual for condition in report.readiness.conditions if condition.name == "history"]
    assert report.verdict is Verdict.READY
    assert "cannot be compared (the source: it has purged them)" in message[0]
    assert len(logs.asked) == 1


def test_an_honest_restart_is_compared_once_and_then_passes_are_quiet(tmp_path: Path) -> None:
    restart(tmp_path, FakeComparison(EQUAL))
    journal, logs = (tmp_path / "journal.json").read_bytes(), FakeComparison(UNREAD)
    here = replace(STOPPED, channel=build_channel(), history=build_history("0-7-9"))

    report = run_pass(tmp_path, FakeDatabase(here), build_source_state("0-7-9", start_time=5001), logs=logs)

    assert report.verdict is Verdict.READY
    assert logs.asked == []
    assert (tmp_path / "journal.json").read_bytes() == journal


def test_a_quiet_pass_records_nothing_of_a_source_that_shows_its_instance(tmp_path: Path) -> None:
    database = FakeDatabase(replace(STOPPED, channel=None), source_history=build_history("0-7-9"))
    run_pass(tmp_path, database, build_source_state("0-7-9", start_time=1000))
    journal = (tmp_path / "journal.json").read_bytes()

    report = run_pass(tmp_path, database, build_source_state("0-7-9", start_time=1001))

    assert report.verdict is Verdict.READY
    assert (tmp_path / "journal.json").read_bytes() == journal


def test_a_promoted_source_elsewhere_is_followed_after_a_parting(tmp_path: Path) -> None:
    run_pass(tmp_path, FakeDatabase(STOPPED), build_source_state("0-7-4"))
    moved = replace(REPLICA, source=replace(SOURCE, address="10.0.0.9"))

    report = run_pass(
        tmp_path,
        FakeDatabase(STOPPED, source_history=build_history("0-7-9")),
        build_source_state("0-7-9"),
        document=moved,
    )

    assert report.verdict is Verdict.READY
