"""What is known of a cluster after the loss of its store, and which store it belonged to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from guestagent.errors import InvalidInput, Problem
from guestagent.resources.store.records import ClusterRecord, ResourceRecord, SignalEntry

GENERATION_START = 1_735_689_600
"""The seconds since 1970 at the beginning of 2025."""
GENERATION_STEP_S = 600
NUMBER_GAP = 100
"""Numbers and server ids that are left out: those of deleted instances, of which the cloud shows nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuiltCluster:
    """A cluster as it would be written, and what a person has to know first.

    `problems` are contradictions and gaps: with any of them nothing is written. `notes` are what was chosen. `lines`
    are its instances and groups.
    """

    cluster: ClusterRecord
    resources: tuple[ResourceRecord, ...] = ()
    signals: tuple[SignalEntry, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rebuild:
    """All clusters of a lost store. `notes` are about what belongs to none of them."""

    store_id: str
    clusters: tuple[RebuiltCluster, ...]
    notes: tuple[str, ...] = ()


def choose_generation(now_s: float) -> int:
    """Return a generation above all that nodes have had: those before count changes, or are of an earlier rebuild.

    Nothing in the cloud tells which one a node is in. A signal of an older one proves nothing.
    """
    return int(now_s - GENERATION_START) // GENERATION_STEP_S


def choose_store_id(seen: Iterable[str], named: str | None) -> str:
    """Return the id of the lost store. Raise InvalidInput if the marks in the project leave it open.

    `seen` are the ids in all marks of the project.
    """
    counts = Counter(seen)
    stores = "; ".join(f"{store} ({count} marks)" for store, count in sorted(counts.items()))
    if not counts:
        problem = Problem(
            "--store-id", "a project with marks of the manager", "none", "there is nothing to rebuild"
        )
    elif named is not None and named not in counts:
        problem = Problem("--store-id", f"a store whose marks the project has: {stores}", named)
    elif named is None and len(counts) > 1:
        do = "name the lost one; nothing of the others is touched"
        problem = Problem("--store-id", "the id of the lost store", f"marks of several: {stores}", do)
    else:
        return named or next(iter(counts))
    raise InvalidInput([problem])


def find_name_problems(clusters: Sequence[RebuiltCluster]) -> dict[str, str]:
    """Return what is wrong with names that several clusters have, by name."""
    owners: dict[str, list[str]] = {}
    for each in clusters:
        owners.setdefault(each.cluster.name, []).append(f"{each.cluster.id} of {each.cluster.engine}")
    return {
        name: f"several clusters have this name: {', '.join(found)}"
        for name, found in owners.items()
        if len(found) > 1
    }
