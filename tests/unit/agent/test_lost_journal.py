"""A node whose journal cannot be read: it continues if its server is empty, and is not changed otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.journal import Journal
from guestagent.agent.model import ConditionState
from guestagent.agent.outcome import Report, Verdict
from guestagent.agent.reconcile import Reconciler
from guestagent.database.fake import FRESH_SERVER, FakeDatabase, FakeSourceProbe
from guestagent.database.state import ServerState
from guestagent.metadata.document import CfnHandle, Document, Section, Source, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from guestagent.unreadable_file import list_quarantined_files
from tests.support.agent_states import (
    DIALECT,
    build_channel,
    build_desired_replica,
    build_desired_source,
    build_history,
    build_memory,
    build_observed,
    build_server,
    build_source_state,
    judge_state,
    plan_allowed_steps,
)
from tests.support.journals import corrupt_journal, lose_journal

HANDLE = CfnHandle(Secret("http://10.0.0.1/handle?Signature=x"))
USER = User("slave0000", Secret("pw0"))
SOURCE = Document(HANDLE, users=(USER,), section=Section(server_id=7))
REPLICA = Document(HANDLE, source=Source("10.0.0.7", USER), section=Section(server_id=8))
SOURCE_STATE = build_source_state("0-7-5")
BOTH = pytest.mark.parametrize("document", [SOURCE, REPLICA], ids=["source", "replica"])


def converge(folder: Path, database: FakeDatabase, document: Document) -> Report:
    clock = FakeClock()
    dependencies = PassDependencies(
        open_database=lambda: database,
        source_view=FakeSourceProbe(SOURCE_STATE),
        journal=Journal(folder / "journal.json", clock, "boot 1"),
        clock=clock,
        find_own_address=lambda host: "10.0.0.8",
    )
    return Reconciler(document, "task", "10.0.0.1", dependencies).converge(document.section.deadline)


def build_database(state: ServerState = FRESH_SERVER) -> FakeDatabase:
    return FakeDatabase(state, source_history=build_history("0-7-5"))


def build_ready_node(folder: Path, document: Document) -> FakeDatabase:
    database = build_database()
    assert converge(folder, database, document).verdict is Verdict.READY
    state = replace(database.state, schemas=("shop",), read_only=document is SOURCE)
    return build_database(state)


@BOTH
def test_a_server_with_data_is_not_changed(tmp_path: Path, document: Document) -> None:
    database = build_ready_node(tmp_path, document)
    corrupt_journal(tmp_path)

    report = converge(tmp_path, database, document)

    worst = report.readiness.worst_condition
    assert (worst.name, worst.state, database.write_count) == ("journal", ConditionState.FINAL, 0)
    assert [str(path) in worst.actual for path in list_quarantined_files(tmp_path)] == [True, True]


@BOTH
def test_the_refusal_lasts_until_the_files_are_removed(tmp_path: Path, document: Document) -> None:
    database = build_ready_node(tmp_path, document)
    corrupt_journal(tmp_path)
    verdicts = [converge(tmp_path, database, document).verdict for _ in range(2)]

    for path in list_quarantined_files(tmp_path):
        path.unlink()
    verdicts.append(converge(tmp_path, database, document).verdict)

    assert verdicts == [Verdict.FAILED, Verdict.FAILED, Verdict.READY]


@BOTH
def test_an_empty_server_becomes_ready_and_stays_so(tmp_path: Path, document: Document) -> None:
    corrupt_journal(tmp_path)
    database = build_database()

    verdicts = [converge(tmp_path, database, document).verdict for _ in range(2)]

    assert verdicts == [Verdict.READY, Verdict.READY]
    assert len(list_quarantined_files(tmp_path)) == 2, "the files are kept"


@BOTH
def test_a_missing_journal_is_not_a_loss(tmp_path: Path, document: Document) -> None:
    database = build_ready_node(tmp_path, document)
    lose_journal(tmp_path)

    assert converge(tmp_path, database, document).verdict is Verdict.READY


@pytest.mark.parametrize(
    "state",
    [build_server("0-7-5"), build_server(schemas=("shop",)), build_server(channel=build_channel())],
    ids=["history", "data", "channel"],
)
@pytest.mark.parametrize(
    "desired", [build_desired_source(), build_desired_replica()], ids=["source", "replica"]
)
def test_the_plan_is_empty_and_the_journal_is_the_worst_condition(
    state: ServerState, desired: object
) -> None:
    observed = replace(build_observed(state, SOURCE_STATE), lost_journal="/x/journal.json.unreadable-1")

    steps = plan_allowed_steps(desired, observed, build_memory(), DIALECT)  # type: ignore[arg-type]
    worst = judge_state(desired, observed, build_memory(), DIALECT).worst_condition  # type: ignore[arg-type]

    assert steps == ()
    assert (worst.name, worst.state) == ("journal", ConditionState.FINAL)
    assert "/x/journal.json.unreadable-1" in worst.actual
