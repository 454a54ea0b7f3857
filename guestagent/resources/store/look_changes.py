"""What a look of an audit changes of the first looks that a store keeps. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

LookKey = tuple[str, str]
"""The cluster and the id of a finding."""
Looks = Mapping[LookKey, float]
"""When each was found first, in the store's seconds."""


@dataclass(frozen=True, slots=True)
class LookChange:
    """The findings that are new, and those that are not there any more."""

    added: tuple[LookKey, ...]
    forgotten: tuple[LookKey, ...]

    @property
    def is_empty(self) -> bool:
        return not self.added and not self.forgotten


def find_look_change(known: Looks, findings: Mapping[str, Collection[str]], *, is_whole: bool) -> LookChange:
    """Compare what was known with what a look has found. See `LookMemory.note_looks`."""
    present = {(cluster, finding) for cluster, ids in findings.items() for finding in ids}
    looked_at = {key for key in known if is_whole or key[0] in findings}
    return LookChange(tuple(sorted(present - known.keys())), tuple(sorted(looked_at - present)))


def measure_ages(known: Looks, findings: Mapping[str, Collection[str]], looked_at: float) -> dict[str, float]:
    """Return for how many seconds each finding was known when the look began."""
    return {
        finding: max(looked_at - known[cluster, finding], 0.0)
        for cluster, ids in findings.items()
        for finding in ids
    }
