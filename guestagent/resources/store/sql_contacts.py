"""Writes down which servers have read their documents, and from where they were read."""

from __future__ import annotations

from sqlalchemy import Connection, and_, insert, select

from guestagent.resources.store.document_readers import describe_new_reader, is_known_reader
from guestagent.resources.store.sql_change import write_events
from guestagent.resources.store.sql_database import StoreTime
from guestagent.resources.store.sql_snapshot import find_cluster_row
from guestagent.resources.store.tables import clusters, contacts, document_readers


def is_known_contact(
    connection: Connection, cluster_name: str, instance: str, epoch: int, reader: str
) -> bool:
    """Return whether there is nothing to write about this contact. Nothing is locked."""
    readers = _list_readers(connection, cluster_name, instance, epoch)
    return readers is None or is_known_reader(readers, reader)


def write_contact(
    connection: Connection, time: StoreTime, cluster_name: str, instance: str, epoch: int, reader: str
) -> None:
    """Keep a contact and its reader, unless another thread was faster or the cluster is gone."""
    cluster = find_cluster_row(connection, cluster_name, writes=True)
    readers = _list_readers(connection, cluster_name, instance, epoch)
    if cluster is None or readers is None or is_known_reader(readers, reader):
        return
    row = {"cluster_id": cluster.id, "instance": instance, "epoch": epoch}
    is_it = and_(*(contacts.c[name] == value for name, value in row.items()))
    if connection.execute(select(contacts.c.epoch).where(is_it)).one_or_none() is None:
        connection.execute(insert(contacts).values(row))
    connection.execute(insert(document_readers).values(**row, address=reader, place=len(readers)))
    events = describe_new_reader(readers, instance, reader)
    write_events(connection, cluster_name, events, time.read_now(connection))


def _list_readers(connection: Connection, cluster_name: str, instance: str, epoch: int) -> list[str] | None:
    """Return the readers so far, the first one first; None without such a cluster."""
    is_reader = and_(
        document_readers.c.cluster_id == clusters.c.id,
        document_readers.c.instance == instance,
        document_readers.c.epoch == epoch,
    )
    query = (
        select(document_readers.c.address)
        .select_from(clusters.outerjoin(document_readers, is_reader))
        .where(clusters.c.name == cluster_name)
        .order_by(document_readers.c.place)
    )
    rows = connection.execute(query).scalars().all()
    return [each for each in rows if each is not None] if rows else None
