"""A pass on a replica that parts from its source: the journal first, then nothing."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.edges import Edges, Report, Verdict
from guestagent.agent.journal import Journal
from guestagent.agent.parting import SourceIdentity
from guestagent.agent.reconcile import Reconciler
from guestagent.database.fake import FRESH, Died, FakeDatabase, FakeSourceView
from guestagent.database.state import Receiver, ServerError, SourceState
from guestagent.metadata.document import CfnHandle, Document, Section, Source, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.unit.agent.states import channel, history, source_seen

HANDLE = CfnHandle(Secret("http://10.0.0.1/handle?Signature=x"))
SOURCE = Source("10.0.0.7", User("slave0000", Secret("pw")))
REPLICA = Document(HANDLE, source=SOURCE, section=Section(server_id=8))
AHEAD = ServerError(1236, "requested to start from GTID 0-7-9, which is not in the master's binlog")
STOPPED = replace(
    FRESH,
    server_id=8,
    history=history("0-7-5"),
    channel=channel(receiver=Receiver.STOPPED, receiver_error=AHEAD, lag=None),
)


def converge(
    folder: Path, database: FakeDatabase, *seen: SourceState, document: Document = REPLICA, replaced: str | None = ""
) -> Report:
    """One agent's work, from its start to its verdict. `replaced`: what a comparison of the logs finds."""
    clock = FakeClock()
    edges = Edges(
        open=lambda: database,
        view=FakeSourceView(*seen),
        journal=Journal(folder / "journal.json", clock, "boot 1"),
        clock=clock,
        address_towards=lambda host: "10.0.0.8",
        find_replaced=lambda source, tls, since, until: replaced,
    )
    return Reconciler(document, "task", "10.0.0.1", edges).converge(document.section.deadline)


def test_a_channel_that_stopped_because_the_replica_is_ahead_is_never_started(tmp_path: Path) -> None:
    database = FakeDatabase(STOPPED, upstream=history("0-7-500"))

    reports = [converge(tmp_path, database, source_seen(gtids)) for gtids in ("0-7-4", "0-7-9", "0-7-500")]

    assert [report.verdict for report in reports] == [Verdict.FAILED] * 3
    assert not any(report.late for report in reports)
    assert database.applied == []


def test_nothing_is_done_when_the_parting_cannot_be_kept(tmp_path: Path) -> None:
    moved = replace(STOPPED, channel=channel("10.0.0.99"))
    Journal(tmp_path / "journal.json", FakeClock(), "boot 1").begin("task")
    (tmp_path / ".journal.json.draft").mkdir()
    database = FakeDatabase(moved)

    report = converge(tmp_path, database, source_seen("0-7-4"))

    assert report.readiness.worst.name == "journal"
    assert database.applied == []


def test_a_second_look_at_a_parting_writes_nothing(tmp_path: Path) -> None:
    converge(tmp_path, FakeDatabase(STOPPED), source_seen("0-7-4"))
    journal = (tmp_path / "journal.json").read_bytes()

    converge(tmp_path, FakeDatabase(STOPPED), source_seen("0-7-400"))

    assert (tmp_path / "journal.json").read_bytes() == journal


@pytest.mark.parametrize("cut", range(5))
def test_an_accepted_source_is_followed_whatever_cuts_the_passes(tmp_path: Path, cut: int) -> None:
    converge(tmp_path, FakeDatabase(STOPPED), source_seen("0-7-9"))
    Journal(tmp_path / "journal.json", FakeClock(), "boot 1").accept(SourceIdentity("10.0.0.7", 3306))
    database = FakeDatabase(STOPPED, upstream=history("0-7-9"), dies_after=cut)

    with suppress(Died):
        converge(tmp_path, database, source_seen("0-7-9"))
    report = converge(tmp_path, database.reborn(), source_seen("0-7-9"))

    assert report.verdict is Verdict.READY


def test_a_replica_that_lags_remembers_what_its_source_has_shown(tmp_path: Path) -> None:
    behind = replace(STOPPED, channel=channel(lag=100))
    converge(tmp_path, FakeDatabase(behind), source_seen("0-7-20"))

    report = converge(tmp_path, FakeDatabase(behind), source_seen("0-7-12"))

    assert report.readiness.final
    assert "the source has lost 0-7-20" in report.readiness.worst.seen


@pytest.mark.parametrize("life", [{"started": 5000}, {"started": 1000, "resets": 1}], ids=["restart", "RESET"])
def test_a_source_whose_log_differs_after_another_life_began_is_never_followed(
    tmp_path: Path, life: dict[str, int]
) -> None:
    database = FakeDatabase(replace(STOPPED, channel=None), upstream=history("0-7-9"))
    ready = converge(tmp_path, database, source_seen("0-7-9", started=1000))

    parted = converge(tmp_path, database, source_seen("0-7-40", **life), replaced="0-7-9")
    later = converge(tmp_path, database, source_seen("0-7-40", **life))

    assert ready.verdict is Verdict.READY
    assert "another transaction under 0-7-9" in parted.readiness.worst.seen
    assert later.readiness.final


def test_a_log_that_could_not_be_read_is_read_at_the_next_work(tmp_path: Path) -> None:
    database = FakeDatabase(replace(STOPPED, channel=None), upstream=history("0-7-9"))
    converge(tmp_path, database, source_seen("0-7-9", started=1000))

    converge(tmp_path, database, source_seen("0-7-9", started=5000), replaced=None)
    report = converge(tmp_path, database, source_seen("0-7-9", started=5000), replaced="0-7-9")

    assert report.readiness.final


def test_a_quiet_pass_notes_nothing_of_a_source_that_tells_its_life(tmp_path: Path) -> None:
    database = FakeDatabase(replace(STOPPED, channel=None), upstream=history("0-7-9"))
    converge(tmp_path, database, source_seen("0-7-9", started=1000))
    journal = (tmp_path / "journal.json").read_bytes()

    report = converge(tmp_path, database, source_seen("0-7-9", started=1001))

    assert report.verdict is Verdict.READY
    assert (tmp_path / "journal.json").read_bytes() == journal


def test_a_promoted_source_elsewhere_is_followed_after_a_parting(tmp_path: Path) -> None:
    converge(tmp_path, FakeDatabase(STOPPED), source_seen("0-7-4"))
    moved = replace(REPLICA, source=replace(SOURCE, address="10.0.0.9"))

    report = converge(tmp_path, FakeDatabase(STOPPED, upstream=history("0-7-9")), source_seen("0-7-9"), document=moved)

    assert report.verdict is Verdict.READY
