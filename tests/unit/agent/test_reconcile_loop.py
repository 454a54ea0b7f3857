"""The reconcile loop: retries, deadlines, interruptions and full disks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.journal import Journal
from guestagent.agent.model import ConditionState
from guestagent.agent.outcome import Verdict
from guestagent.agent.reconcile import Reconciler
from guestagent.database.fake import FRESH_SERVER, FakeDatabase, FakeSourceProbe
from guestagent.database.state import ServerError, SourceState
from guestagent.errors import DatabaseUnreachable
from guestagent.metadata.document import Section
from tests.support.agent_states import build_failed_source, build_history
from tests.support.reconciled_node import REPLICA, SOURCE, SOURCE_STATE, FakeNode, build_replica_database


def test_a_login_that_is_rejected_at_first_is_tried_again(tmp_path: Path) -> None:
    failed_source = build_failed_source(1045, "Access denied for user 'slave0000'")
    node = FakeNode(
        tmp_path,
        build_replica_database(),
        FakeSourceProbe(failed_source, failed_source, failed_source, SOURCE_STATE),
    )

    report = node.converge(REPLICA)

    assert report.verdict is Verdict.READY
    assert any("1045" in progress.activity for progress in node.progress_reports)


def test_an_error_that_lasts_until_the_deadline_fails_with_the_servers_message(tmp_path: Path) -> None:
    error = ServerError(1045, "Access denied for user 'slave0000'")
    node = FakeNode(
        tmp_path, build_replica_database(receiver_error=error), FakeSourceProbe(SourceState(error=error))
    )

    report = node.converge(REPLICA)

    assert (report.verdict, report.is_late) == (Verdict.FAILED, True)
    assert 90 <= report.elapsed < 93
    assert "1045" in str(report.readiness.worst_condition)


def test_a_final_condition_fails_at_once_without_changing_data(tmp_path: Path) -> None:
    state = replace(FRESH_SERVER, history=build_history("0-1-3"), schemas=("shop",))
    node = FakeNode(tmp_path, build_replica_database(state))

    report = node.converge(REPLICA)

    assert (report.verdict, report.is_late, node.clock.slept) == (Verdict.FAILED, False, [])
    assert node.database.state == state


def test_a_restart_of_the_agent_does_not_reset_the_deadline(tmp_path: Path) -> None:
    node = FakeNode(tmp_path, build_replica_database(), FakeSourceProbe(build_failed_source(2003, "refused")))
    node.build_reconciler(REPLICA).run_pass()
    node.clock.sleep(89)

    report = node.converge(REPLICA)

    assert (report.verdict, report.is_late) == (Verdict.FAILED, True)
    assert report.elapsed < 93


def test_newer_metadata_interrupts_a_pass_between_two_steps(tmp_path: Path) -> None:
    node = FakeNode(tmp_path, FakeDatabase())
    node.is_interrupted = lambda: node.database.write_count > 0

    report = node.converge(SOURCE)

    assert report.verdict is Verdict.INTERRUPTED
    assert node.database.write_count == 1


def test_newer_metadata_interrupts_a_wait(tmp_path: Path) -> None:
    node = FakeNode(
        tmp_path, build_replica_database(), FakeSourceProbe(build_failed_source(1045, "Access denied"))
    )
    node.is_interrupted = lambda: bool(node.clock.slept)

    assert node.converge(REPLICA).verdict is Verdict.INTERRUPTED


def test_the_loop_waits_for_an_unreachable_server(tmp_path: Path) -> None:
    node = FakeNode(tmp_path, FakeDatabase())
    answers = iter([DatabaseUnreachable("no answer"), DatabaseUnreachable("no answer"), None])
    reconciler = node.build_reconciler(SOURCE)

    def open_database() -> FakeDatabase:
        error = next(answers, None)
        if error is not None:
            raise error
        return node.database

    reconciler = Reconciler(
        SOURCE, "task", "10.0.0.1", replace(reconciler.dependencies, open_database=open_database)
    )

    assert reconciler.converge(90).verdict is Verdict.READY
    assert node.database.is_closed


def test_a_server_that_does_not_answer_is_pending_with_the_reason(tmp_path: Path) -> None:
    def open_database() -> FakeDatabase:
        raise DatabaseUnreachable("no answer in 5 s")

    dependencies = replace(
        FakeNode(tmp_path, FakeDatabase()).build_reconciler(SOURCE).dependencies, open_database=open_database
    )

    readiness = Reconciler(SOURCE, "task", "10.0.0.1", dependencies).run_pass()

    worst = readiness.worst_condition
    assert (worst.name, worst.state, worst.actual) == ("server", ConditionState.PENDING, "no answer in 5 s")


def test_the_loop_waits_for_a_full_disk_and_applies_no_unjournalled_step(tmp_path: Path) -> None:
    (tmp_path / ".journal.json.draft").mkdir()
    node = FakeNode(tmp_path, FakeDatabase())

    report = node.converge(SOURCE)

    assert (report.verdict, report.is_late) == (Verdict.FAILED, True)
    assert sum(node.clock.slept) == pytest.approx(SOURCE.section.deadline, abs=1)
    assert report.readiness.worst_condition.name == "journal"
    assert node.database.write_count == 0


def test_a_source_without_a_login_over_tcp_is_not_ready(tmp_path: Path) -> None:
    node = FakeNode(
        tmp_path, FakeDatabase(), FakeSourceProbe(build_failed_source(2003, "Connection refused"))
    )

    report = node.converge(SOURCE)

    assert (report.verdict, report.is_late) == (Verdict.FAILED, True)
    assert "2003" in str(report.readiness.worst_condition)


def test_new_metadata_on_a_full_disk_does_not_count_the_time_of_the_old(
    tmp_path: Path,
) -> None:
    node = FakeNode(tmp_path, FakeDatabase())
    node.converge(SOURCE)
    node.clock.sleep(7 * 86400)
    reconciler = Reconciler(
        SOURCE, "the next generation", "10.0.0.1", node.build_reconciler(SOURCE).dependencies
    )
    (tmp_path / ".journal.json.draft").mkdir()

    report = reconciler.converge(90)

    assert report.elapsed == pytest.approx(90, abs=1)


def test_the_task_that_a_full_disk_kept_from_the_journal_is_written_by_the_next_pass(tmp_path: Path) -> None:
    (tmp_path / ".journal.json.draft").mkdir()
    node = FakeNode(tmp_path, FakeDatabase())
    reconciler = node.build_reconciler(SOURCE)
    reconciler.run_pass()
    (tmp_path / ".journal.json.draft").rmdir()

    reconciler.run_pass()

    assert Journal(tmp_path / "journal.json", node.clock, "boot 1").state.task == "task"


def test_a_node_without_an_address_waits_for_one_to_derive_its_server_id(tmp_path: Path) -> None:
    node = FakeNode(tmp_path, FakeDatabase())
    document = replace(SOURCE, section=Section())
    addresses = iter([None, None, "10.0.0.8"])
    dependencies = replace(
        node.build_reconciler(document).dependencies,
        find_own_address=lambda host: next(addresses, "10.0.0.8"),
    )

    report = Reconciler(document, "task", "heat.example", dependencies).converge(90)

    assert report.verdict is Verdict.READY
    assert any("no route to heat.example" in progress.activity for progress in node.progress_reports)
