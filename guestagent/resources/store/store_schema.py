"""Makes the tables of a store, and checks that they are ours. It may be killed anywhere: the next one goes on."""

from __future__ import annotations

from uuid import uuid4

from sqlalchemy import Connection, insert, inspect, select, update

from guestagent.errors import StorageError
from guestagent.resources.store.tables import SCHEMA_VERSION, TABLES, meta

_VERSION, _STORE_ID = "schema_version", "store_id"
_HAS_KEYS = "has_keys"


def prepare_schema(connection: Connection, place: str) -> str:
    """Create what is missing, and return the store's id. The caller keeps all others away meanwhile."""
    existing = frozenset(inspect(connection).get_table_names())
    if existing and meta.name not in existing:
        raise StorageError(f"{place} holds tables of another program: name another place for the store")
    meta.create(connection, checkfirst=True)
    version = read_meta(connection, _VERSION)
    if version is not None and int(version) > SCHEMA_VERSION:
        raise StorageError(
            f"{place} was written by a newer guestagent (its schema is version {version}, this one knows "
            f"{SCHEMA_VERSION}): use the newer one"
        )
    for table in TABLES.sorted_tables:
        table.create(connection, checkfirst=True)
        for index in table.indexes:  # they are made after their table, and a kill may have come between
            index.create(connection, checkfirst=True)
    store_id = read_meta(connection, _STORE_ID)
    if store_id is None:
        store_id = str(uuid4())
        write_meta(connection, _STORE_ID, store_id)
    if version is None:
        write_meta(connection, _VERSION, str(SCHEMA_VERSION))
    return store_id


def write_store_id(connection: Connection, store_id: str) -> None:
    """Give the store another id: that of a lost one, whose marks the cloud has."""
    write_meta(connection, _STORE_ID, store_id)


def note_keys(connection: Connection) -> None:
    """Note that the service's keys belong to this store."""
    write_meta(connection, _HAS_KEYS, "yes")


def has_keys(connection: Connection) -> bool:
    """Return whether that is noted."""
    return read_meta(connection, _HAS_KEYS) is not None


def read_meta(connection: Connection, name: str) -> str | None:
    """Return a value that belongs to the store itself, or None."""
    return connection.execute(select(meta.c.content).where(meta.c.name == name)).scalar_one_or_none()


def write_meta(connection: Connection, name: str, content: str) -> None:
    """Write a value that belongs to the store itself."""
    if connection.execute(update(meta).where(meta.c.name == name).values(content=content)).rowcount == 0:
        connection.execute(insert(meta).values(name=name, content=content))
