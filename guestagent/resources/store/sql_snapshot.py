"""Reads everything about a cluster from the tables."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, func, select

from guestagent.resources.operation import OperationState
from guestagent.resources.store.records import ClusterSnapshot
from guestagent.resources.store.sql_rows import (
    SqlRow,
    read_cluster,
    read_queued_operation,
    read_resource,
    read_signal,
)
from guestagent.resources.store.tables import clusters, contacts, operations, resources, signals

FINAL_STATES = [state.value for state in OperationState if state.is_final]


def build_queue_condition(cluster: str) -> ColumnElement[bool]:
    """Return what is true of the operations of a cluster that have not ended."""
    return and_(operations.c.cluster == cluster, operations.c.state.not_in(FINAL_STATES))


def find_cluster_row(connection: Connection, name: str, *, writes: bool) -> SqlRow | None:
    """Return the row of a cluster, or None. It does not change until the transaction ends.

    Everything that belongs to a cluster is written while its row is locked, so it does not change either.
    """
    query = select(clusters).where(clusters.c.name == name).with_for_update(read=not writes)
    return connection.execute(query).one_or_none()


def count_queue(connection: Connection, cluster: str) -> int:
    """Return how many operations of a cluster have not ended."""
    query = select(func.count()).select_from(operations).where(build_queue_condition(cluster))
    return connection.execute(query).scalar_one()


def read_snapshot(connection: Connection, row: SqlRow, now: float) -> ClusterSnapshot:
    """Return everything about the cluster of this row."""
    queue = select(operations).where(build_queue_condition(row.name)).order_by(operations.c.number)
    records = [
        read_resource(each, row.name)
        for each in connection.execute(select(resources).where(resources.c.cluster_id == row.id))
    ]
    entries = [
        read_signal(each)
        for each in connection.execute(select(signals).where(signals.c.cluster_id == row.id))
    ]
    servers = select(contacts.c.instance, contacts.c.epoch).where(contacts.c.cluster_id == row.id)
    return ClusterSnapshot(
        cluster=read_cluster(row),
        queue=tuple(read_queued_operation(each) for each in connection.execute(queue)),
        resources=tuple(sorted(records, key=lambda record: record.key)),
        signals=tuple(sorted(entries, key=lambda entry: (entry.instance, entry.generation))),
        contacts=frozenset((each.instance, each.epoch) for each in connection.execute(servers)),
        now=now,
    )
