"""An operator's mark: it is kept, told, and nothing is changed under it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.dependencies import PassDependencies, Progress, Report, Verdict
from guestagent.agent.journal import Journal
from guestagent.agent.model import ConditionState
from guestagent.agent.pause import PAUSE_FILE, Pause, read_pause, remove_pause, write_pause
from guestagent.agent.reconcile import Reconciler
from guestagent.database.fake import FakeDatabase, FakeSourceProbe
from guestagent.database.state import SourceState
from guestagent.database.steps import CreateMarker, SetServerId
from guestagent.metadata.document import CfnHandle, Document, Section, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.agent_states import build_history, build_source_state

MARK = Pause("alice", "2026-11-25T22:00:00+00:00", "new disk")
DOCUMENT = Document(
    CfnHandle(Secret("http://10.0.0.1/handle?Signature=x")),
    users=(User("slave0000", Secret("pw0")),),
    section=Section(server_id=7),
)
LOGIN = SourceState(server_id=7, binary_log=True, history=build_history("0-7-5"))


def reconciler(folder: Path, database: FakeDatabase, told: list[Progress] | None = None) -> Reconciler:
    clock = FakeClock()
    edges = PassDependencies(
        open_database=lambda: database,
        source_view=FakeSourceProbe(replace(build_source_state("0-7-5"), error=None), LOGIN),
        journal=Journal(folder / "journal.json", clock, "boot 1"),
        clock=clock,
        find_own_address=lambda host: "10.0.0.8",
        read_pause=lambda: read_pause(folder),
        report_progress=(told if told is not None else []).append,
    )
    return Reconciler(DOCUMENT, "task", "10.0.0.1", edges)


def converged(folder: Path, database: FakeDatabase) -> Report:
    return reconciler(folder, database).converge(DOCUMENT.section.deadline)


def test_a_mark_is_kept_and_taken_away(tmp_path: Path) -> None:
    write_pause(tmp_path, MARK)

    assert read_pause(tmp_path) == MARK
    assert remove_pause(tmp_path) == MARK
    assert read_pause(tmp_path) is None
    assert remove_pause(tmp_path) is None


def test_it_says_who_when_and_why() -> None:
    assert str(MARK) == "paused by alice at 2026-11-25T22:00:00+00:00: new disk"


@pytest.mark.parametrize("content", ["", "[]", '{"version": 2}', '{"version": 1, "by": "x"}'])
def test_a_mark_that_cannot_be_read_is_one_all_the_same(tmp_path: Path, content: str) -> None:
    (tmp_path / PAUSE_FILE).write_text(content)

    found = read_pause(tmp_path)

    assert found is not None
    assert "cannot be read" in str(found)


def test_a_generation_that_arrives_under_a_pause_fails_at_its_deadline_and_changes_nothing(
    tmp_path: Path,
) -> None:
    write_pause(tmp_path, MARK)
    database = FakeDatabase()

    report = converged(tmp_path, database)

    assert (report.verdict, report.is_late, database.write_count) == (Verdict.FAILED, True, 0)
    worst = report.readiness.worst_condition
    assert (worst.name, worst.state, worst.actual) == ("paused", ConditionState.PENDING, str(MARK))
    assert "create the replication account slave0000@%" in worst.expected
    assert "guestagent resume" in worst.advice


def test_a_resume_repairs(tmp_path: Path) -> None:
    write_pause(tmp_path, MARK)
    database = FakeDatabase()
    converged(tmp_path, database)
    remove_pause(tmp_path)

    report = converged(tmp_path, database)

    assert report.verdict is Verdict.READY
    assert database.write_count > 0


def test_a_node_that_needs_nothing_is_ready_and_tells_of_the_pause(tmp_path: Path) -> None:
    database = FakeDatabase()
    converged(tmp_path, database)
    write_pause(tmp_path, MARK)

    report = converged(tmp_path, database)

    assert report.verdict is Verdict.READY
    told = [condition.actual for condition in report.readiness.conditions if condition.name == "paused"]
    assert told == [str(MARK)]


def test_a_pause_in_the_middle_of_a_pass_ends_it_at_the_next_step(tmp_path: Path) -> None:
    class Operator(FakeDatabase):
        def apply(self, step: object) -> None:
            super().apply(step)  # type: ignore[arg-type]
            write_pause(tmp_path, MARK)

    database = Operator()

    state = reconciler(tmp_path, database).run_pass()

    assert database.applied_steps == [SetServerId(7)]
    assert CreateMarker() not in database.applied_steps
    assert state.worst_condition.name == "paused"
