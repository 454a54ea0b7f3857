"""`guestagent accept-source`: lets a diverged replica follow its source again after a person has confirmed it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from guestagent.agent import metadata_files, wiring
from guestagent.agent.anchor import Anchor, build_anchor
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.divergence import Divergence, SourceIdentity, find_blocking_divergence
from guestagent.agent.divergence_journal import identify_source
from guestagent.agent.observe import observe_source
from guestagent.agent.settings import Settings
from guestagent.agent.skipped_changes import advise_undo, describe_settings, find_unmanaged_settings
from guestagent.database.gtid_history import shorten_gtids
from guestagent.database.harmful_settings import ReplicationSetting
from guestagent.errors import NotReady
from guestagent.metadata import Document, parse, require_resolved
from guestagent.metadata.document import Source
from guestagent.metadata.host_port import format_host_port
from guestagent.retry import SystemClock

NO_TRANSACTIONS = "nothing"


@dataclass(frozen=True, slots=True)
class HistoryComparison:
    """The histories of a replica and its source, and what each side lacks ("" for nothing).

    `divergence` is None if the journal contains none from this source: then there is nothing to accept.
    `skip_settings` are the replica's settings in force that leave out, alter or hide changes. `anchor` is at the source
    as it was observed.
    """

    source: SourceIdentity
    divergence: Divergence | None
    replica_history: str
    source_history: str
    missing_on_source: str
    missing_on_replica: str
    skip_settings: tuple[ReplicationSetting, ...] = ()
    anchor: Anchor | None = None

    def __str__(self) -> str:
        lines = [
            str(self.divergence or f"not diverged from the source {self.source}: there is nothing to accept")
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
        return {
            "source": str(self.source),
            "parting": None if self.divergence is None else _dump_divergence(self.divergence),
            "replica_history": self.replica_history,
            "source_history": self.source_history,
            "missing_on_source": self.missing_on_source,
            "missing_on_replica": self.missing_on_replica,
        }


def accept_diverged_source(
    settings: Settings, show: Callable[[HistoryComparison], None], confirm: Callable[[], bool]
) -> HistoryComparison:
    """Compare the histories, show them, ask, compare again, and record in the journal that the source is accepted.

    Raises NotReady if this node is not a replica, the source cannot be read, the histories contradict each other, a
    setting of the replica leaves out changes, `confirm` returns False, or a pass is running. The lock is not held
    during the question.
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
        dependencies = wiring.build_dependencies(settings, clock)
        second = compare_histories(dependencies, source, document)
        if describe_obstacles(second):
            show(second)
        _require_agreement(second)
        dependencies.journal.accept_source(second.source, second.anchor)
    return second


def compare_histories(
    dependencies: PassDependencies, source: Source, document: Document
) -> HistoryComparison:
    """Observe this server, then its source: in this order the source shows everything that the replica got from it."""
    with closing(dependencies.open_database()) as database:
        server = database.observe()
    source_state = observe_source(dependencies.source_view, source, document.section.tls)
    if source_state is None or source_state.history is None:
        error = None if source_state is None else source_state.error
        reason = "" if error is None else f": {error}"
        address = format_host_port(source.address, source.port)
        raise NotReady(f"the source {address} cannot be read, so nothing can be accepted{reason}")
    replica_history, source_history = server.history, source_state.history
    if source_history.family != replica_history.family:
        raise NotReady(f"the source is a {source_history.family}, and this server a {replica_history.family}")
    identity = identify_source(source, source_state)
    return HistoryComparison(
        source=identity,
        divergence=find_blocking_divergence(dependencies.journal.state.divergences, identity),
        replica_history=str(replica_history),
        source_history=str(source_history),
        missing_on_source=replica_history.format_difference(source_history),
        missing_on_replica=source_history.format_difference(replica_history),
        skip_settings=find_unmanaged_settings(server),
        anchor=build_anchor(
            identity,
            source_state,
            replica_history.newest_gtids,
            dependencies.read_source_times(source, document.section.tls, replica_history.newest_gtids),
        ),
    )


def _read_document(settings: Settings) -> tuple[Source, Document]:
    collected = metadata_files.find_latest_document(settings)
    if collected is None:
        raise NotReady("no metadata has been collected, so this node has no source yet")
    document = parse(collected.document, collected.display_path)
    require_resolved(document, collected.display_path)
    if document.source is None:
        raise NotReady("this node is a source: run the command on the diverged replica")
    return document.source, document


def describe_obstacles(comparison: HistoryComparison) -> str:
    """Return why the source must not be accepted; "" if nothing prevents it."""
    obstacles = []
    if comparison.missing_on_source:
        obstacles.append(
            f"the source {comparison.source} still lacks {shorten_gtids(comparison.missing_on_source)}, which this "
            "replica has: its channel would skip the other transactions to which the source gives these numbers. Bring "
            "those of this replica to the source, or start this node from a clean image"
        )
    if comparison.skip_settings:
        obstacles.append(
            f"this replica still has {describe_settings(comparison.skip_settings)}, with which it leaves out, alters "
            f"or hides changes, and the next pass would reject it again: {advise_undo(comparison.skip_settings)}"
        )
    return "; ".join(obstacles)


def _require_agreement(comparison: HistoryComparison) -> None:
    if obstacles := describe_obstacles(comparison):
        raise NotReady(obstacles)


def _dump_divergence(divergence: Divergence) -> dict[str, str]:
    uncompared = {"uncompared": divergence.uncompared} if divergence.uncompared else {}
    return uncompared | {
        "errant": divergence.errant,
        "lost": divergence.lost,
        "replaced": divergence.replaced,
        "rejected": divergence.rejected,
        "skipped": divergence.skipped,
        "source_history": divergence.history,
    }
