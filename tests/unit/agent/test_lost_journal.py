"""A node whose journal cannot be read: it goes on if its server is empty, and touches nothing otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.edges import Edges, Report, Verdict
from guestagent.agent.journal import Journal
from guestagent.agent.model import Agreement
from guestagent.agent.plan import plan
from guestagent.agent.readiness import readiness
from guestagent.agent.reconcile import Reconciler
from guestagent.database.fake import FRESH, FakeDatabase, FakeSourceView
from guestagent.database.state import ServerState
from guestagent.metadata.document import CfnHandle, Document, Section, Source, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from guestagent.unreadable_file import list_kept_aside
from tests.support.journals import garble_journal, lose_journal
from tests.unit.agent.states import (
    DIALECT,
    channel,
    history,
    knowing,
    replica_wanted,
    seen,
    server,
    source_seen,
    source_wanted,
)

HANDLE = CfnHandle(Secret("http://10.0.0.1/handle?Signature=x"))
USER = User("slave0000", Secret("pw0"))
SOURCE = Document(HANDLE, users=(USER,), section=Section(server_id=7))
REPLICA = Document(HANDLE, source=Source("10.0.0.7", USER), section=Section(server_id=8))
WELL = source_seen("0-7-5")
BOTH = pytest.mark.parametrize("document", [SOURCE, REPLICA], ids=["source", "replica"])


def converge(folder: Path, database: FakeDatabase, document: Document) -> Report:
    clock = FakeClock()
    edges = Edges(
        open=lambda: database,
        view=FakeSourceView(WELL),
        journal=Journal(folder / "journal.json", clock, "boot 1"),
        clock=clock,
        address_towards=lambda host: "10.0.0.8",
    )
    return Reconciler(document, "task", "10.0.0.1", edges).converge(document.section.deadline)


def database(state: ServerState = FRESH) -> FakeDatabase:
    return FakeDatabase(state, upstream=history("0-7-5"))


def ready_node(folder: Path, document: Document) -> FakeDatabase:
    node = database()
    assert converge(folder, node, document).verdict is Verdict.READY
    state = replace(node.state, schemas=("shop",), read_only=document is SOURCE)
    return database(state)


@BOTH
def test_nothing_is_touched_on_a_server_that_holds_data(tmp_path: Path, document: Document) -> None:
    node = ready_node(tmp_path, document)
    garble_journal(tmp_path)

    report = converge(tmp_path, node, document)

    worst = report.readiness.worst
    assert (worst.name, worst.agreement, node.writes) == ("journal", Agreement.FINAL, 0)
    assert [str(path) in worst.seen for path in list_kept_aside(tmp_path)] == [True, True]


@BOTH
def test_it_stays_so_until_somebody_removes_the_files(tmp_path: Path, document: Document) -> None:
    node = ready_node(tmp_path, document)
    garble_journal(tmp_path)
    verdicts = [converge(tmp_path, node, document).verdict for _ in range(2)]

    for path in list_kept_aside(tmp_path):
        path.unlink()
    verdicts.append(converge(tmp_path, node, document).verdict)

    assert verdicts == [Verdict.FAILED, Verdict.FAILED, Verdict.READY]


@BOTH
def test_an_empty_server_is_worked_on_and_nothing_holds_it_up_later(tmp_path: Path, document: Document) -> None:
    garble_journal(tmp_path)
    node = database()

    verdicts = [converge(tmp_path, node, document).verdict for _ in range(2)]

    assert verdicts == [Verdict.READY, Verdict.READY]
    assert len(list_kept_aside(tmp_path)) == 2, "they are kept all the same"


@BOTH
def test_a_journal_that_is_missing_is_no_loss(tmp_path: Path, document: Document) -> None:
    node = ready_node(tmp_path, document)
    lose_journal(tmp_path)

    assert converge(tmp_path, node, document).verdict is Verdict.READY


@pytest.mark.parametrize(
    "state", [server("0-7-5"), server(schemas=("shop",)), server(channel=channel())], ids=["history", "data", "channel"]
)
@pytest.mark.parametrize("wanted", [source_wanted(), replica_wanted()], ids=["source", "replica"])
def test_a_plan_has_no_step_and_the_condition_is_the_worst(state: ServerState, wanted: object) -> None:
    observed = replace(seen(state, WELL), lost_journal="/x/journal.json.unreadable-1")

    steps = plan(wanted, observed, knowing(), DIALECT)  # type: ignore[arg-type]
    worst = readiness(wanted, observed, knowing(), DIALECT).worst  # type: ignore[arg-type]

    assert steps == ()
    assert (worst.name, worst.agreement) == ("journal", Agreement.FINAL)
    assert "/x/journal.json.unreadable-1" in worst.seen
