"""Writes new orders into the tables, and what people and guests say about older ones. Each is one transaction."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import Connection, and_, bindparam, case, insert, select, update

from guestagent.resources.operation import Operation
from guestagent.resources.orders import Order
from guestagent.resources.store.operation_rules import (
    build_operation,
    check_queue_length,
    check_same_order,
    compute_order_digest,
    dump_order_text,
)
from guestagent.resources.store.protocol import CheckOrder
from guestagent.resources.store.records import ClusterQueue
from guestagent.resources.store.sql_database import StoreTime
from guestagent.resources.store.sql_rows import dump_progress, read_cluster, read_operation
from guestagent.resources.store.sql_snapshot import find_cluster_row, read_queue
from guestagent.resources.store.tables import clusters, key_contacts, operations

# Built once, as those of `sql_snapshot`: these are the statements of each order.
_SELECT_REQUEST = select(operations).where(operations.c.request_id == bindparam("request"))
_INSERT_OPERATION = insert(operations)
_ADD_NEWS = (
    update(clusters)
    .where(clusters.c.id == bindparam("cluster_id"))
    .values(
        news=clusters.c.news + 1,
        due_at=case(
            (clusters.c.due_at > bindparam("news_due_at"), bindparam("news_due_at")), else_=clusters.c.due_at
        ),
    )
)


def accept_order(
    connection: Connection, time: StoreTime, order: Order, engine: str, check: CheckOrder
) -> Operation:
    """Write an order down, unless it is there already."""
    stored = connection.execute(_SELECT_REQUEST, {"request": order.request_id}).one_or_none()
    if stored is not None:
        check_same_order(order, stored.digest)
        return read_operation(stored)
    cluster = find_cluster_row(connection, order.cluster, writes=True)
    queue = read_queue(connection, order.cluster)
    check_queue_length(order, len(queue))
    check(None if cluster is None else ClusterQueue(cluster=read_cluster(cluster), queue=queue))
    now = time.read_now(connection)
    if cluster is None:
        insert_cluster(connection, order.cluster, engine, now)
    else:
        add_news(connection, cluster.id, now)
    operation = build_operation(order, str(uuid4()), now)
    _insert_operation(connection, operation, order)
    return operation


def note_wish(
    connection: Connection, time: StoreTime, operation_id: str, *, retries: bool
) -> Operation | None:
    """Note that the end of an operation is wished, or another try of it. Return the operation."""
    query = select(operations).where(operations.c.id == operation_id)
    stored = connection.execute(query).one_or_none()
    if stored is None:
        return None
    cluster = find_cluster_row(connection, stored.cluster, writes=True)
    stored = connection.execute(query).one_or_none()  # it may have ended before the cluster was locked
    if stored is None:
        return None
    operation = read_operation(stored)
    if cluster is not None and not operation.state.is_final:
        wish = {"retries": operations.c.retries + 1} if retries else {"is_cancelled": True}
        connection.execute(update(operations).where(operations.c.id == operation_id).values(**wish))
        add_news(connection, cluster.id, time.read_now(connection))
    return operation


def write_key_contact(
    connection: Connection, time: StoreTime, cluster_name: str, instance: str, key_id: str
) -> None:
    """Keep a contact at an address that a key has signed, unless it is kept already or the cluster is gone."""
    cluster = find_cluster_row(connection, cluster_name, writes=True)
    if cluster is None:
        return
    row = {"cluster_id": cluster.id, "instance": instance, "key_id": key_id}
    is_it = and_(*(key_contacts.c[name] == value for name, value in row.items()))
    if connection.execute(select(key_contacts.c.key_id).where(is_it)).one_or_none() is None:
        connection.execute(insert(key_contacts).values(row))
        add_news(connection, cluster.id, time.read_now(connection))


def insert_cluster(connection: Connection, name: str, engine: str, now: float) -> None:
    """Write the row of a cluster for which there are orders, and nothing else yet."""
    row = {
        "id": str(uuid4()),
        "name": name,
        "engine": engine,
        "revision": 0,
        "attention": "",
        "due_at": now,
        "news": 1,
        "lease_owner": "",
        "lease_until": 0.0,
        "lease_number": 0,
    }
    connection.execute(insert(clusters).values(row))


def _insert_operation(connection: Connection, operation: Operation, order: Order) -> None:
    row = {
        "id": operation.id,
        "request_id": operation.request_id,
        "digest": compute_order_digest(order),
        "cluster": operation.cluster,
        "kind": operation.kind,
        "document": dump_order_text(order),
        "accepted_at": operation.accepted_at,
        "is_cancelled": False,
        "retries": 0,
        **dump_progress(operation),
    }
    connection.execute(_INSERT_OPERATION, row)


def add_news(connection: Connection, cluster_id: str, due_at: float) -> None:
    """Make the cluster due then; one that is due earlier keeps its place in the line."""
    connection.execute(_ADD_NEWS, {"cluster_id": cluster_id, "news_due_at": due_at})
