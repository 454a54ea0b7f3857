"""A pass on a replica that diverges from its source: the journal first, then nothing."""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.divergence import SourceIdentity
from guestagent.agent.journal import Journal
from guestagent.agent.outcome import Verdict
from guestagent.database.binlog_comparison import ComparisonResult
from guestagent.database.fake import FakeDatabase, SimulatedCrash
from guestagent.retry import FakeClock
from tests.support.agent_states import build_channel, build_history, build_source_state
from tests.support.divergence_passes import REPLICA, STOPPED, UNREAD, FakeComparison, run_pass
from tests.support.divergences import SOURCE


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


def test_a_quiet_pass_records_nothing_of_a_source_that_shows_its_instance(tmp_path: Path) -> None:
    database = FakeDatabase(replace(STOPPED, channel=None), source_history=build_history("0-7-9"))
    run_pass(tmp_path, database, build_source_state("0-7-9", start_time=1000))
    journal = (tmp_path / "journal.json").read_bytes()

    report = run_pass(tmp_path, database, build_source_state("0-7-9", start_time=1001))

    assert report.verdict is Verdict.READY
    assert (tmp_path / "journal.json").read_bytes() == journal
