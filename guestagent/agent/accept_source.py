"""`guestagent accept-source`: a person's word that a parted replica may follow its source as it is now."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from guestagent.agent import metadata_files, wiring
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.divergence import Divergence, SourceIdentity, find_blocking_divergence
from guestagent.agent.divergence_journal import identify_source
from guestagent.agent.observe import observe_source
from guestagent.agent.settings import Settings
from guestagent.agent.skipped_changes import advise_undo, describe_settings, find_unmanaged_settings
from guestagent.database.gtid_history import shorten_gtids
from guestagent.database.replication_settings import ReplicationSetting
from guestagent.errors import NotReady
from guestagent.metadata import Document, parse, require_resolved
from guestagent.metadata.document import Source
from guestagent.metadata.host_port import format_host_port
from guestagent.retry import SystemClock

NO_TRANSACTIONS = "nothing"


@dataclass(frozen=True, slots=True)
class HistoryComparison:
    """A replica and its source, compared: both histories, and what each side lacks ("" for nothing).

    `parting` None: the journal knows of no parting from this source, so there is nothing to accept.
    `leaving_out`: settings of the replica in force now that leave out, alter or hide changes.
    """

    source: SourceIdentity
    divergence: Divergence | None
    replica_history: str
    source_history: str
    missing_on_source: str
    missing_on_replica: str
    skip_settings: tuple[ReplicationSetting, ...] = ()

    def __str__(self) -> str:
        lines = [
            str(self.divergence or f"not parted from the source {self.source}: there is nothing to accept")
        ]
        rows = (
            ("history of this replica", self.replica_history),
            ("history of the source", self.source_history),
            ("missing on the source", self.missing_on_source),
            ("missing on this replica", self.missing_on_replica),
        )
        return "\n".join(
            [*lines, *(f"  {name:25}{shorten_gtids(gtids) or NO_TRANSACTIONS}" for name, gtids in rows)]
        )

    def as_json(self) -> dict[str, object]:
        parting = self.divergence
        return {
            "source": str(self.source),
            "parting": None
            if parting is None
            else {
                "errant": parting.errant,
                "lost": parting.lost,
                "replaced": parting.replaced,
                "rejected": parting.rejected,
                "skipped": parting.skipped,
                "source_history": parting.history,
            },
            "replica_history": self.replica_history,
            "source_history": self.source_history,
            "missing_on_source": self.missing_on_source,
            "missing_on_replica": self.missing_on_replica,
        }


def accept_diverged_source(
    settings: Settings, show: Callable[[HistoryComparison], None], confirm: Callable[[], bool]
) -> HistoryComparison:
    """Compare the histories, show them, ask, compare again, and write to the journal that the parting is accepted.

    NotReady: this node is no replica, the source cannot be read, the histories contradict each other, a setting of the
    replica leaves out changes, `confirm` returned False, or a pass is at work. The lock is not held while a person
    thinks.
    """
    source, document = _read_document(settings)
    clock = SystemClock()
    first = compare_histories(wiring.build_dependencies(settings, clock), source, document)
    show(first)
    if first.divergence is None:
        return first
    _require_agreement(first)
    if not confirm():
        raise NotReady(f"the source {first.source} was not accepted: nothing has changed")
    with wiring.hold_pass_lock(settings, wiring.build_lock_wait(clock)):
        edges = wiring.build_dependencies(settings, clock)
        second = compare_histories(edges, source, document)
        if describe_obstacles(second):
            show(second)
        _require_agreement(second)
        edges.journal.accept_source(second.source)
    return second


def compare_histories(edges: PassDependencies, source: Source, document: Document) -> HistoryComparison:
    """Look at this server, then at its source: in this order the source shows all that came from it."""
    with closing(edges.open_database()) as database:
        server = database.observe()
    seen = observe_source(edges.source_view, source, document.section.tls)
    if seen is None or seen.history is None:
        why = "" if seen is None or seen.error is None else f": {seen.error}"
        where = format_host_port(source.address, source.port)
        raise NotReady(f"the source {where} cannot be read, so nothing can be accepted{why}")
    if seen.history.family != server.history.family:
        raise NotReady(f"the source is a {seen.history.family}, and this server a {server.history.family}")
    identity = identify_source(source, seen)
    return HistoryComparison(
        source=identity,
        divergence=find_blocking_divergence(edges.journal.state.partings, identity),
        replica_history=str(server.history),
        source_history=str(seen.history),
        missing_on_source=server.history.format_difference(seen.history),
        missing_on_replica=seen.history.format_difference(server.history),
        skip_settings=find_unmanaged_settings(server),
    )


def _read_document(settings: Settings) -> tuple[Source, Document]:
    collected = metadata_files.find_latest_document(settings)
    if collected is None:
        raise NotReady("no metadata has been collected, so this node has no source yet")
    document = parse(collected.document, collected.display_path)
    require_resolved(document, collected.display_path)
    if document.source is None:
        raise NotReady("this node is a source: run the command on the parted replica")
    return document.source, document


def describe_obstacles(compared: HistoryComparison) -> str:
    """Say why the source must not be accepted; "" if nothing is in the way."""
    obstacles = []
    if compared.missing_on_source:
        obstacles.append(
            f"the source {compared.source} still lacks {shorten_gtids(compared.missing_on_source)}, which this replica "
            "has: its channel would skip the other transactions to which the source gives these numbers. Bring those "
            "of this replica to the source, or start this node from a clean image"
        )
    if compared.skip_settings:
        obstacles.append(
            f"this replica still has {describe_settings(compared.skip_settings)}, with which it leaves out, alters or "
            f"hides changes, and the next pass would refuse it again: {advise_undo(compared.skip_settings)}"
        )
    return "; ".join(obstacles)


def _require_agreement(compared: HistoryComparison) -> None:
    if obstacles := describe_obstacles(compared):
        raise NotReady(obstacles)
