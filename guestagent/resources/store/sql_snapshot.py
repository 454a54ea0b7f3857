"""Reads everything about a cluster from the tables."""

from __future__ import annotations

from sqlalchemy import Connection, and_, bindparam, func, select

from guestagent.resources.operation import OperationState
from guestagent.resources.store.operation_rules import build_version
from guestagent.resources.store.records import ClusterSnapshot, QueuedOperation
from guestagent.resources.store.sql_rows import (
    SqlRow,
    read_cluster,
    read_queued_operation,
    read_resource,
    read_signal,
)
from guestagent.resources.store.tables import clusters, contacts, key_contacts, operations, resources, signals

FINAL_STATES = [state.value for state in OperationState if state.is_final]
# These statements are built once: to build one takes longer than to execute it.
_IS_WAITING = and_(operations.c.cluster == bindparam("cluster"), operations.c.state.not_in(FINAL_STATES))
_SELECT_QUEUE = select(operations).where(_IS_WAITING).order_by(operations.c.number)
_COUNT_QUEUE = select(func.count()).select_from(operations).where(_IS_WAITING)
_SELECT_CLUSTER = select(clusters).where(clusters.c.name == bindparam("cluster"))
_LOCK_CLUSTER = {writes: _SELECT_CLUSTER.with_for_update(read=not writes) for writes in (False, True)}
_SELECT_RESOURCES = select(resources).where(resources.c.cluster_id == bindparam("cluster_id"))
_SELECT_SIGNALS = select(signals).where(signals.c.cluster_id == bindparam("cluster_id"))
_SELECT_CONTACTS = select(contacts.c.instance, contacts.c.epoch).where(
    contacts.c.cluster_id == bindparam("cluster_id")
)
_SELECT_KEY_CONTACTS = select(key_contacts.c.instance, key_contacts.c.key_id).where(
    key_contacts.c.cluster_id == bindparam("cluster_id")
)


def find_cluster_row(connection: Connection, name: str, *, writes: bool) -> SqlRow | None:
    """Return the row of a cluster, or None. It does not change until the transaction ends.

    Everything that belongs to a cluster is written while its row is locked, so it does not change either.
    """
    return connection.execute(_LOCK_CLUSTER[writes], {"cluster": name}).one_or_none()


def read_version(row: SqlRow) -> str | None:
    """Return the version in a row of `clusters`."""
    return build_version(row.id, row.news, has_worker=bool(row.lease_owner))


def count_queue(connection: Connection, cluster: str) -> int:
    """Return how many operations of a cluster have not ended."""
    return connection.execute(_COUNT_QUEUE, {"cluster": cluster}).scalar_one()


def read_queue(connection: Connection, cluster: str) -> tuple[QueuedOperation, ...]:
    """Return the operations of a cluster that have not ended, the oldest first."""
    rows = connection.execute(_SELECT_QUEUE, {"cluster": cluster})
    return tuple(read_queued_operation(each) for each in rows)


def read_snapshot(connection: Connection, row: SqlRow, now: float) -> ClusterSnapshot:
    """Return everything about the cluster of this row."""
    of_cluster = {"cluster_id": row.id}
    records = [read_resource(each, row.name) for each in connection.execute(_SELECT_RESOURCES, of_cluster)]
    entries = [read_signal(each) for each in connection.execute(_SELECT_SIGNALS, of_cluster)]
    servers = connection.execute(_SELECT_CONTACTS, of_cluster)
    keys = connection.execute(_SELECT_KEY_CONTACTS, of_cluster)
    return ClusterSnapshot(
        cluster=read_cluster(row),
        queue=read_queue(connection, row.name),
        resources=tuple(sorted(records, key=lambda record: record.key)),
        signals=tuple(sorted(entries, key=lambda entry: (entry.instance, entry.generation))),
        contacts=frozenset((each.instance, each.epoch) for each in servers),
        key_contacts=frozenset((each.instance, each.key_id) for each in keys),
        now=now,
        version=read_version(row),
    )
