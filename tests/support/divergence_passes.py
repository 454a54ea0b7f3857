"""Passes on a replica whose source may have another history, with fake comparisons of binary logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.journal import Journal
from guestagent.agent.outcome import Report, Verdict
from guestagent.agent.reconcile import Reconciler
from guestagent.database.binlog_comparison import CompareBinlogs, ComparisonResult
from guestagent.database.fake import FRESH_SERVER, FakeDatabase, FakeSourceProbe
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.state import ReceiverState, SourceState
from guestagent.metadata.document import CfnHandle, Document, Section, Source, Tls
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.agent_states import build_channel, build_history, build_source_state
from tests.support.divergences import AHEAD, SOURCE

HANDLE = CfnHandle(Secret("http://10.0.0.1/handle?Signature=x"))
REPLICA = Document(HANDLE, source=SOURCE, section=Section(server_id=8))
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
    *observed_sources: SourceState,
    document: Document = REPLICA,
    logs: CompareBinlogs = lambda source, tls, since, until, equal, accepted: EQUAL,
) -> Report:
    """Run one agent from its start to its verdict. `logs` compares the binary logs."""
    clock = FakeClock()
    dependencies = PassDependencies(
        open_database=lambda: database,
        source_view=FakeSourceProbe(*observed_sources),
        journal=Journal(folder / "journal.json", clock, "boot 1"),
        clock=clock,
        find_own_address=lambda host: "10.0.0.8",
        compare_logs=logs,
    )
    return Reconciler(document, "task", "10.0.0.1", dependencies).converge(document.section.deadline)


def run_pass_after_restart(
    folder: Path, logs: FakeComparison, *, replica: str = "0-7-9", source: str = "0-7-9"
) -> Report:
    """Make a replica ready, let its source restart, and work on the replica again."""
    database = FakeDatabase(replace(STOPPED, channel=None), source_history=build_history("0-7-9"))
    assert run_pass(folder, database, build_source_state("0-7-9", start_time=1000)).verdict is Verdict.READY
    later = FakeDatabase(
        replace(STOPPED, history=build_history(replica), channel=build_channel()),
        source_history=build_history(replica),
    )
    return run_pass(folder, later, build_source_state(source, start_time=5000), logs=logs)
