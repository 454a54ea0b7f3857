"""When it is believed that a request without an answer had no effect. Pure.

An effect may be late: until the settle time is over, absence proves nothing. A list may be old: two looks decide.
Presence is always believed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from guestagent.resources.store.records import ResourceKey, ResourceRecord

SETTLE_S = 120.0
"""The settle time by default: the longest that a proxy in front of the cloud may hold a request whose client has given
up. It is never shorter.
"""
SERVER_SETTLE_S = 10.0
"""Enough before a second creation of a server: while the first one has the volume, the second is refused."""
SECOND_LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class Absence:
    """The first looks that did not find what the request of `intended_at` asked for, after either settle time."""

    intended_at: float
    first_look: float | None = None
    first_settled_look: float | None = None

    def is_believed(self, record: ResourceRecord, now: float, settle_s: float) -> bool:
        look = self.first_look if settle_s == SERVER_SETTLE_S else self.first_settled_look
        return self.intended_at == record.intended_at and look is not None and now >= look + SECOND_LOOK_S


def update_absences(
    absences: Mapping[ResourceKey, Absence],
    missing: Collection[ResourceRecord],
    now: float,
    settle_s: float = SETTLE_S,
) -> dict[ResourceKey, Absence]:
    """Return the absences after one more look, in which `missing` were not found."""
    updated = {}
    for record in missing:
        absence = absences.get(record.key)
        if absence is None or absence.intended_at != record.intended_at:
            absence = Absence(record.intended_at)
        if absence.first_look is None and now >= record.intended_at + SERVER_SETTLE_S:
            absence = replace(absence, first_look=now)
        if absence.first_settled_look is None and now >= record.intended_at + settle_s:
            absence = replace(absence, first_settled_look=now)
        updated[record.key] = absence
    return updated
