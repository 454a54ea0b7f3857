"""A pause by an operator: it is kept and reported, and no step is applied during it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.journal import Journal
from guestagent.agent.model import ConditionState
from guestagent.agent.outcome import Progress, Report, Verdict
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


def build_reconciler(
    folder: Path, database: FakeDatabase, reports: list[Progress] | None = None
) -> Reconciler:
    clock = FakeClock()
    dependencies = PassDependencies(
        open_database=lambda: database,
        source_view=FakeSourceProbe(replace(build_source_state("0-7-5"), error=None), LOGIN),
        journal=Journal(folder / "journal.json", clock, "boot 1"),
        clock=clock,
        find_own_address=lambda host: "10.0.0.8",
        read_pause=lambda: read_pause(folder),
        report_progress=(reports if reports is not None else []).append,
    )
    return Reconciler(DOCUMENT, "task", "10.0.0.1", dependencies)


def converge(folder: Path, database: FakeDatabase) -> Report:
    return build_reconciler(folder, database).converge(DOCUMENT.section.deadline)


def test_a_pause_is_written_and_removed(tmp_path: Path) -> None:
    write_pause(tmp_path, MARK)

    assert read_pause(tmp_path) == MARK
    assert remove_pause(tmp_path) == MARK
    assert read_pause(tmp_path) is None
    assert remove_pause(tmp_path) is None


def test_a_pause_names_user_time_and_reason() -> None:
    assert str(MARK) == "paused by alice at 2026-11-25T22:00:00+00:00: new disk"


@pytest.mark.parametrize("content", ["", "[]", '{"version": 2}', '{"version": 1, "by": "x"}'])
def test_an_unreadable_pause_is_a_pause(tmp_path: Path, content: str) -> None:
    (tmp_path / PAUSE_FILE).write_text(content)

    pause = read_pause(tmp_path)

    assert pause is not None
    assert "cannot be read" in str(pause)


def test_a_generation_that_arrives_during_a_pause_fails_at_its_deadline(
    tmp_path: Path,
) -> None:
    write_pause(tmp_path, MARK)
    database = FakeDatabase()

    report = converge(tmp_path, database)

    assert (report.verdict, report.is_late, database.write_count) == (Verdict.FAILED, True, 0)
    worst = report.readiness.worst_condition
    assert (worst.name, worst.state, worst.actual) == ("paused", ConditionState.PENDING, str(MARK))
    assert "create the replication account slave0000@%" in worst.expected
    assert "guestagent resume" in worst.advice


def test_a_pass_after_the_resume_repairs(tmp_path: Path) -> None:
    write_pause(tmp_path, MARK)
    database = FakeDatabase()
    converge(tmp_path, database)
    remove_pause(tmp_path)

    report = converge(tmp_path, database)

    assert report.verdict is Verdict.READY
    assert database.write_count > 0


def test_a_node_without_a_step_to_apply_is_ready_and_reports_the_pause(tmp_path: Path) -> None:
    database = FakeDatabase()
    converge(tmp_path, database)
    write_pause(tmp_path, MARK)

    report = converge(tmp_path, database)

    assert report.verdict is Verdict.READY
    reports = [condition.actual for condition in report.readiness.conditions if condition.name == "paused"]
    assert reports == [str(MARK)]


def test_a_pause_during_a_pass_ends_it_before_the_next_step(tmp_path: Path) -> None:
    class Operator(FakeDatabase):
        def apply(self, step: object) -> None:
            super().apply(step)  # type: ignore[arg-type]
            write_pause(tmp_path, MARK)

    database = Operator()

    state = build_reconciler(tmp_path, database).run_pass()

    assert database.applied_steps == [SetServerId(7)]
    assert CreateMarker() not in database.applied_steps
    assert state.worst_condition.name == "paused"


def test_the_pause_is_read_before_the_seed_before_the_server_and_before_each_step(tmp_path: Path) -> None:
    database, read_count = FakeDatabase(), 0

    def count_read() -> None:
        nonlocal read_count
        read_count += 1

    dependencies = replace(build_reconciler(tmp_path, database).dependencies, read_pause=count_read)

    Reconciler(DOCUMENT, "task", "10.0.0.1", dependencies).run_pass()

    assert len(database.applied_steps) > 1
    assert read_count == 2 + len(database.applied_steps)
