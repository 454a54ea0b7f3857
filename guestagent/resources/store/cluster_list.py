"""All clusters of a store at once: one that cannot be read keeps no other from being read."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.resources.store.protocol import OrderStore
from guestagent.resources.store.records import ClusterSnapshot
from guestagent.resources.store.unreadable_record import UnreadableRecord


def list_snapshots(store: OrderStore) -> Iterator[ClusterSnapshot]:
    """Yield what the store has of each cluster. One that is removed meanwhile is left out."""
    for record in store.clusters():
        try:
            snapshot = store.read(record.name)
        except UnreadableRecord as error:
            snapshot = ClusterSnapshot(cluster=record, unreadable=str(error))
        if snapshot is not None:
            yield snapshot
