"""A pass after a restart of the source: its binary logs are compared before the replica is ready."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from guestagent.agent.outcome import Verdict
from guestagent.database.binlog_comparison import ComparisonResult
from guestagent.database.fake import FakeDatabase
from tests.support.agent_states import build_channel, build_history, build_source_state
from tests.support.divergence_passes import (
    EQUAL,
    STOPPED,
    UNREAD,
    FakeComparison,
    run_pass,
    run_pass_after_restart,
)


def test_a_replica_waits_until_the_logs_of_a_restarted_source_are_compared(tmp_path: Path) -> None:
    report = run_pass_after_restart(tmp_path, FakeComparison(UNREAD))

    worst = report.readiness.worst_condition
    assert (report.verdict, report.is_late, worst.name) == (Verdict.FAILED, True, "history")
    assert (
        "the binary logs of this source since its restart have not been compared yet (no answer)"
        in worst.actual
    )


def test_a_replica_is_ready_when_the_logs_could_be_read_at_last(tmp_path: Path) -> None:
    logs = FakeComparison(UNREAD, UNREAD, EQUAL)

    report = run_pass_after_restart(tmp_path, logs)

    assert report.verdict is Verdict.READY
    assert len(logs.asked) == 3


def test_a_comparison_that_ends_early_goes_on_where_it_ended(tmp_path: Path) -> None:
    early = ComparisonResult(
        common_history=build_history("0-7-400"), incomplete_reason="more than 20000 transactions"
    )
    logs = FakeComparison(early, replace(early, common_history=build_history("0-7-800")), EQUAL)

    report = run_pass_after_restart(tmp_path, logs, replica="0-7-900", source="0-7-900")

    assert report.verdict is Verdict.READY
    assert logs.asked == [("0-7-9", ""), ("0-7-400", "0-7-400"), ("0-7-800", "0-7-800")]


def test_a_difference_after_the_place_where_a_comparison_ended_early_is_a_parting(tmp_path: Path) -> None:
    early = ComparisonResult(
        common_history=build_history("0-7-400"), incomplete_reason="more than 20000 transactions"
    )

    report = run_pass_after_restart(
        tmp_path, FakeComparison(early, ComparisonResult("0-7-401")), replica="0-7-900", source="0-7-900"
    )

    assert report.readiness.is_final
    assert "another transaction under 0-7-401" in report.readiness.worst_condition.actual


def test_an_agent_that_starts_anew_goes_on_where_the_last_comparison_ended(tmp_path: Path) -> None:
    early = ComparisonResult(
        common_history=build_history("0-7-400"), incomplete_reason="more than 20000 transactions"
    )
    run_pass_after_restart(tmp_path, FakeComparison(early, UNREAD), replica="0-7-900", source="0-7-900")
    replica = replace(STOPPED, history=build_history("0-7-900"), channel=build_channel())
    logs = FakeComparison(EQUAL)

    run_pass(tmp_path, FakeDatabase(replica), build_source_state("0-7-900", start_time=5000), logs=logs)

    assert logs.asked == [("0-7-400", "")]


def test_a_transaction_that_fills_a_whole_comparison_is_not_read_for_ever(tmp_path: Path) -> None:
    huge = ComparisonResult(
        common_history=build_history("0-7-9"), incomplete_reason="it was stopped after 64 MiB"
    )
    logs = FakeComparison(huge, EQUAL)

    report = run_pass_after_restart(tmp_path, logs, replica="0-7-12", source="0-7-12")

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

    run_pass_after_restart(tmp_path, logs, replica="0-7-9", source="0-7-5000")

    assert len(logs.asked) == 1


def test_logs_that_cannot_be_compared_hold_no_replica_back(tmp_path: Path) -> None:
    logs = FakeComparison(ComparisonResult(failure_reason="the source: it has purged them"))

    report = run_pass_after_restart(tmp_path, logs)

    message = [condition.actual for condition in report.readiness.conditions if condition.name == "history"]
    assert report.verdict is Verdict.READY
    assert "cannot be compared (the source: it has purged them)" in message[0]
    assert len(logs.asked) == 1


def test_an_honest_restart_is_compared_once_and_then_passes_are_quiet(tmp_path: Path) -> None:
    run_pass_after_restart(tmp_path, FakeComparison(EQUAL))
    journal, logs = (tmp_path / "journal.json").read_bytes(), FakeComparison(UNREAD)
    replica = replace(STOPPED, channel=build_channel(), history=build_history("0-7-9"))

    report = run_pass(
        tmp_path, FakeDatabase(replica), build_source_state("0-7-9", start_time=5001), logs=logs
    )

    assert report.verdict is Verdict.READY
    assert logs.asked == []
    assert (tmp_path / "journal.json").read_bytes() == journal
