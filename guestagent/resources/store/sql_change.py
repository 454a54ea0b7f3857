"""Writes what the holder of a lease has changed. The cluster's row is locked by then."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, delete, insert, select, update

from guestagent.resources.operation import Operation
from guestagent.resources.store.operation_rules import build_next_operation
from guestagent.resources.store.protocol import EVENT_LIMIT, HISTORY_LIMIT, REQUEST_ID_LIMIT
from guestagent.resources.store.records import ClusterChange, ResourceKey
from guestagent.resources.store.sql_rows import (
    dump_progress,
    dump_resource_content,
    dump_resource_key,
    read_operation,
)
from guestagent.resources.store.sql_snapshot import FINAL_STATES
from guestagent.resources.store.tables import (
    clusters,
    contacts,
    document_readers,
    events,
    key_contacts,
    operations,
    resources,
    signals,
)

# Built once, as those of `sql_snapshot`.
_KEY_NAMES = ("cluster_id", "kind", "instance", "name", "epoch")
_IS_RESOURCE = and_(*(resources.c[name] == bindparam(f"key_{name}") for name in _KEY_NAMES))
_UPDATE_RESOURCE = update(resources).where(_IS_RESOURCE)
_INSERT_RESOURCE = insert(resources)
_IS_OPERATION = operations.c.id == bindparam("key_id")
_SELECT_OPERATION = select(operations).where(_IS_OPERATION)
_UPDATE_OPERATION = update(operations).where(_IS_OPERATION)


def write_operations(connection: Connection, cluster: str, changes: Sequence[Operation]) -> list[Operation]:
    """Write the progress of operations, and shorten or forget the oldest final ones. Return them as they are."""
    written = []
    for change in changes:
        row = connection.execute(_SELECT_OPERATION, {"key_id": change.id}).one_or_none()
        operation = build_next_operation(None if row is None else read_operation(row), change, cluster)
        connection.execute(_UPDATE_OPERATION, {"key_id": change.id, **dump_progress(operation)})
        written.append(operation)
    if any(operation.state.is_final for operation in written):
        is_final = (operations.c.cluster == cluster) & operations.c.state.in_(FINAL_STATES)
        _shorten(connection, is_final)
        _prune(connection, operations, is_final, REQUEST_ID_LIMIT)
    return written


def write_resources(connection: Connection, cluster_id: str, change: ClusterChange) -> None:
    """Write resources, and remove those that are forgotten."""
    for record in change.resources:
        content = dump_resource_content(record)
        key = _bind_key(cluster_id, record.key)
        if connection.execute(_UPDATE_RESOURCE, {**key, **content}).rowcount == 0:
            row = {"cluster_id": cluster_id, **dump_resource_key(record.key), **content}
            connection.execute(_INSERT_RESOURCE, row)
    for forgotten in change.forgotten:
        connection.execute(delete(resources).where(_IS_RESOURCE), _bind_key(cluster_id, forgotten))


def write_events(connection: Connection, cluster: str, texts: Sequence[str], now: float) -> None:
    """Add events, and forget the oldest ones above the limit."""
    if texts:
        connection.execute(insert(events), [{"cluster": cluster, "at": now, "text": text} for text in texts])
        _prune(connection, events, events.c.cluster == cluster, EVENT_LIMIT)


def remove_cluster(connection: Connection, cluster_id: str) -> None:
    """Remove a cluster with all but its operations and events."""
    for table in (resources, signals, contacts, document_readers, key_contacts):
        connection.execute(delete(table).where(table.c.cluster_id == cluster_id))
    connection.execute(delete(clusters).where(clusters.c.id == cluster_id))


def _bind_key(cluster_id: str, key: ResourceKey) -> dict[str, object]:
    columns = {"cluster_id": cluster_id, **dump_resource_key(key)}
    return {f"key_{name}": columns[name] for name in _KEY_NAMES}


def _shorten(connection: Connection, is_final: ColumnElement[bool]) -> None:
    """Empty what is long of the operations above the limit. Their request ids still make an order known."""
    is_whole = operations.c.document != ""
    numbers = select(operations.c.number).where(is_final).order_by(operations.c.number.desc())
    outdated = list(connection.execute(numbers.offset(HISTORY_LIMIT).limit(HISTORY_LIMIT)).scalars())
    if outdated:
        is_outdated = operations.c.number.in_(outdated) & is_whole
        connection.execute(update(operations).where(is_outdated).values(document="", result="{}"))


def _prune(connection: Connection, table: Table, condition: ColumnElement[bool], limit: int) -> None:
    """Delete the rows of the condition above the limit, those with the smallest numbers."""
    numbers = select(table.c.number).where(condition).order_by(table.c.number.desc()).offset(limit)
    outdated = list(connection.execute(numbers).scalars())
    if outdated:
        connection.execute(delete(table).where(table.c.number.in_(outdated)))
