"""Writes what the holder of a lease has changed. The cluster's row is locked by then."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, insert, select, update

from guestagent.resources.operation import Operation
from guestagent.resources.store.operation_rules import build_next_operation
from guestagent.resources.store.protocol import EVENT_LIMIT, HISTORY_LIMIT
from guestagent.resources.store.records import ClusterChange, ResourceKey
from guestagent.resources.store.sql_rows import (
    dump_progress,
    dump_resource_content,
    dump_resource_key,
    read_operation,
)
from guestagent.resources.store.sql_snapshot import FINAL_STATES
from guestagent.resources.store.tables import clusters, contacts, events, operations, resources, signals


def write_operations(connection: Connection, cluster: str, changes: Sequence[Operation]) -> list[Operation]:
    """Write the progress of operations, and forget the oldest final ones above the limit. Return them as they are."""
    written = []
    for change in changes:
        is_it = operations.c.id == change.id
        row = connection.execute(select(operations).where(is_it)).one_or_none()
        operation = build_next_operation(None if row is None else read_operation(row), change, cluster)
        connection.execute(update(operations).where(is_it).values(**dump_progress(operation)))
        written.append(operation)
    if any(operation.state.is_final for operation in written):
        is_final = (operations.c.cluster == cluster) & operations.c.state.in_(FINAL_STATES)
        _prune(connection, operations, is_final, HISTORY_LIMIT)
    return written


def write_resources(connection: Connection, cluster_id: str, change: ClusterChange) -> None:
    """Write resources, and remove those that are forgotten."""
    for record in change.resources:
        content = dump_resource_content(record)
        update_row = update(resources).where(_is_resource(cluster_id, record.key)).values(**content)
        if connection.execute(update_row).rowcount == 0:
            row = {"cluster_id": cluster_id, **dump_resource_key(record.key), **content}
            connection.execute(insert(resources).values(row))
    for key in change.forgotten:
        connection.execute(delete(resources).where(_is_resource(cluster_id, key)))


def write_events(connection: Connection, cluster: str, texts: Sequence[str], now: float) -> None:
    """Add events, and forget the oldest ones above the limit."""
    if texts:
        connection.execute(insert(events), [{"cluster": cluster, "at": now, "text": text} for text in texts])
        _prune(connection, events, events.c.cluster == cluster, EVENT_LIMIT)


def remove_cluster(connection: Connection, cluster_id: str) -> None:
    """Remove a cluster with all but its operations and events."""
    for table in (resources, signals, contacts):
        connection.execute(delete(table).where(table.c.cluster_id == cluster_id))
    connection.execute(delete(clusters).where(clusters.c.id == cluster_id))


def _is_resource(cluster_id: str, key: ResourceKey) -> ColumnElement[bool]:
    return and_(
        resources.c.cluster_id == cluster_id,
        *(resources.c[name] == value for name, value in dump_resource_key(key).items()),
    )


def _prune(connection: Connection, table: Table, condition: ColumnElement[bool], limit: int) -> None:
    """Delete the rows of the condition above the limit, those with the smallest numbers."""
    numbers = select(table.c.number).where(condition).order_by(table.c.number.desc()).offset(limit)
    outdated = list(connection.execute(numbers).scalars())
    if outdated:
        connection.execute(delete(table).where(table.c.number.in_(outdated)))
