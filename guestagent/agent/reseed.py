"""`guestagent reseed`: orders a new copy of the source's data for this replica, after a person has confirmed it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass

from guestagent.agent import metadata_files, wiring
from guestagent.agent.settings import Settings
from guestagent.database.gtid_history import shorten_gtids
from guestagent.errors import DatabaseError, NotReady
from guestagent.metadata import Document, parse, require_resolved
from guestagent.metadata.host_port import format_host_port
from guestagent.retry import SystemClock
from guestagent.seeding import SeedFiles
from guestagent.strict_json import UnreadableContent

DONOR_ADVICE = (
    "its document has no Seeding.Donor, so nothing here knows where the data come from: "
    "run `guestagent cluster repair STACK NODE --reseed` on the operator's workstation"
)

RUNNING_SEED_ADVICE = "`guestagent seed show` shows how it goes on"


@dataclass(frozen=True, slots=True)
class ReseedOrder:
    """What is about to happen. `history`: the executed GTIDs that are given up, "" if the server does not answer."""

    source: str
    history: str
    discards_data: bool

    def __str__(self) -> str:
        data = f"its transactions {shorten_gtids(self.history)}" if self.history else "its data"
        kept = "at once" if self.discards_data else "when the copy is complete"
        return f"this replica gives up {data} {kept}, and gets a copy of the data of {self.source}"

    def as_json(self) -> dict[str, object]:
        return {"source": self.source, "replica_history": self.history, "discard": self.discards_data}


def order_reseed(
    settings: Settings,
    show: Callable[[ReseedOrder], None],
    confirm: Callable[[], bool],
    *,
    discards_data: bool,
) -> ReseedOrder:
    """Show what will happen, ask, and note the order for the next pass.

    Raises NotReady if this node is a source, has no donor in its document, or is being seeded already, or if `confirm`
    returns False.
    """
    document = _read_document(settings)
    _require_no_seed(SeedFiles(settings.state_folder))
    assert document.source is not None
    source = format_host_port(document.source.address, document.source.port)
    order = ReseedOrder(source, _read_history(settings), discards_data)
    show(order)
    if not confirm():
        raise NotReady("the data stay as they are: nothing has changed")
    SeedFiles(settings.state_folder).order_reseed(discards_data=discards_data)
    return order


def _read_document(settings: Settings) -> Document:
    collected = metadata_files.find_latest_document(settings)
    if collected is None:
        raise NotReady("no metadata has been collected, so this node has no source yet")
    document = parse(collected.document, collected.display_path)
    require_resolved(document, collected.display_path)
    if document.source is None:
        raise NotReady("this node is a source, whose data are the cluster's: run the command on a replica")
    if document.section.seeding.donor is None:
        raise NotReady(DONOR_ADVICE)
    return document


def _require_no_seed(files: SeedFiles) -> None:
    """Raise NotReady if a seed is going on: the new data are its."""
    with suppress(UnreadableContent):
        request, state = files.read_request(), files.read_state()
        if request is None or (state is not None and state.id == request.id and state.phase.has_ended):
            return
        is_begun = state is not None and state.id == request.id
        progress = state.describe() if is_begun and state is not None else "requested, not begun yet"
        raise NotReady(f"a seed is going on already ({progress}): nothing was ordered; {RUNNING_SEED_ADVICE}")


def _read_history(settings: Settings) -> str:
    try:
        with closing(wiring.build_dependencies(settings, SystemClock()).open_database()) as database:
            return str(database.observe().history)
    except DatabaseError:
        return ""
