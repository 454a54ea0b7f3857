"""Whether a data volume may still be blank: its node formats a volume only if it is declared new. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from guestagent.resources.store.records import ResourceRecord, SignalEntry
from guestagent.resources.wanted import WantedInstance


def is_volume_proved(
    signals: Iterable[SignalEntry], instance: WantedInstance, volume: ResourceRecord
) -> bool:
    """Return whether the node has proved itself with this volume: since its seed began, if another one is gone."""
    number = None if instance.seed is None else instance.seed.number
    since = 1 if volume.key.epoch == 1 or number is None else number
    return any(
        each.instance == instance.name and each.is_success and each.generation >= since for each in signals
    )
