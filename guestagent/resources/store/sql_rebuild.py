"""Writes the clusters of a lost store into an empty one, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from sqlalchemy import Connection, insert, select

from guestagent.errors import StorageError
from guestagent.resources.store.records import ClusterRecord, ResourceRecord, SignalEntry
from guestagent.resources.store.sql_database import StoreTime
from guestagent.resources.store.sql_rows import dump_resource_content, dump_resource_key
from guestagent.resources.store.store_schema import write_store_id
from guestagent.resources.store.tables import clusters, events, operations, resources, signals


@dataclass(frozen=True, slots=True)
class FormerCluster:
    """A cluster with its records and signals, as it is written."""

    cluster: ClusterRecord
    resources: tuple[ResourceRecord, ...] = ()
    signals: tuple[SignalEntry, ...] = ()


def find_traces(connection: Connection) -> str | None:
    """Return what shows that the store has held an order; None if it never has."""
    for table in (clusters, operations, events):
        if connection.execute(select(table).limit(1)).first() is not None:
            return table.name
    return None


def require_empty(connection: Connection) -> None:
    """Raise StorageError if the store has ever held an order."""
    traces = find_traces(connection)
    if traces is not None:
        raise StorageError(f"the store is not empty: it has {traces}; a lost store is rebuilt in a new one")


def write_former_clusters(
    connection: Connection, time: StoreTime, store_id: str, former: Sequence[FormerCluster]
) -> None:
    """Give the store the id of the lost one, and write its clusters. All of them are due at once."""
    require_empty(connection)
    write_store_id(connection, store_id)
    now = time.read_now(connection)
    for each in former:
        _insert_cluster(connection, each, now)


def _insert_cluster(connection: Connection, former: FormerCluster, now: float) -> None:
    cluster = former.cluster
    row = {
        "id": cluster.id,
        "name": cluster.name,
        "engine": cluster.engine,
        "wanted": cluster.wanted,
        "revision": 1,
        "attention": "",
        "due_at": now,
        "news": 1,
        "lease_owner": "",
        "lease_until": 0.0,
        "lease_number": 0,
    }
    connection.execute(insert(clusters).values(row))
    text = "the cluster was found in the cloud, and written into a rebuilt store"
    connection.execute(insert(events).values(cluster=cluster.name, at=now, text=text))
    for record in former.resources:
        content = dump_resource_content(record) | {"intended_at": now}
        key = {"cluster_id": cluster.id, **dump_resource_key(record.key)}
        connection.execute(insert(resources).values({**key, **content}))
    for signal in former.signals:
        connection.execute(insert(signals).values(cluster_id=cluster.id, **asdict(replace(signal, at=now))))
