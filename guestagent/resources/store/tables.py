"""The tables of a store of orders, in the subset of SQL that SQLite, MariaDB and MySQL share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects.mysql import MEDIUMTEXT

SCHEMA_VERSION = 1


class LongText(TypeDecorator[str]):
    """Text of up to 16 MiB. What JSON of a guest or a cloud may hold and no UTF-8 can is kept escaped."""

    impl = Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")
    cache_ok = True

    def process_bind_param(self, value: str | None, _: object) -> str | None:
        return None if value is None else value.encode("utf-8", "backslashreplace").decode()


TABLES = MetaData()
# Names are told apart by the case of their letters, as in Python.
_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
}
_LONG_TEXT = LongText()
_ID = String(36)
_WORD = String(32)
_NAME = String(64)
_LONG_NAME = String(255)

meta = Table(
    "meta",
    TABLES,
    Column("name", _WORD, primary_key=True),
    Column("content", _LONG_NAME, nullable=False),
    **_OPTIONS,
)
"""The version of the schema, the store's id, and the boot in which its time began."""

clusters = Table(
    "clusters",
    TABLES,
    Column("id", _ID, primary_key=True),
    Column("name", _NAME, nullable=False),
    Column("engine", _WORD, nullable=False),
    Column("wanted", _LONG_TEXT),
    Column("revision", Integer, nullable=False),
    Column("attention", _LONG_TEXT, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("news", Integer, nullable=False),
    Column("lease_owner", _LONG_NAME, nullable=False),
    Column("lease_until", Double, nullable=False),
    Column("lease_number", Integer, nullable=False),
    UniqueConstraint("name", name="clusters_name"),
    Index("clusters_due_at", "due_at"),
    **_OPTIONS,
)
"""`news` counts all changes but contacts, so that a worker sees those of others. `lease_owner` shows people who has the
cluster, and is empty when it was given back."""

operations = Table(
    "operations",
    TABLES,
    Column("number", Integer, primary_key=True),
    Column("id", _ID, nullable=False),
    Column("request_id", _NAME, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("cluster", _NAME, nullable=False),
    Column("kind", _WORD, nullable=False),
    Column("document", _LONG_TEXT, nullable=False),
    Column("state", _WORD, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("accepted_at", Double, nullable=False),
    Column("started_at", Double),
    Column("ended_at", Double),
    Column("step", _LONG_TEXT, nullable=False),
    Column("waiting_for", _LONG_TEXT, nullable=False),
    Column("attention", _LONG_TEXT, nullable=False),
    Column("refusal", _LONG_TEXT),
    Column("result", _LONG_TEXT, nullable=False),
    Column("is_cancelled", Boolean, nullable=False),
    Column("retries", Integer, nullable=False),
    UniqueConstraint("id", name="operations_id"),
    UniqueConstraint("request_id", name="operations_request_id"),
    Index("operations_cluster", "cluster", "number"),
    sqlite_autoincrement=True,  # a number is never used twice
    **_OPTIONS,
)
"""`cluster` is a name, because operations outlive their cluster. `document`, `refusal` and `result` are JSON.

`document` is empty once no more than the request id, the state and the times are kept.
"""

resources = Table(
    "resources",
    TABLES,
    Column("cluster_id", _ID),
    Column("kind", _WORD),
    Column("instance", _NAME),
    Column("name", _LONG_NAME),
    Column("epoch", Integer, autoincrement=False),
    Column("phase", _WORD, nullable=False),
    Column("cloud_id", _LONG_NAME),
    Column("operation_id", _NAME, nullable=False),
    Column("intended_at", Double, nullable=False),
    Column("was_used", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("answer", _LONG_TEXT, nullable=False),
    Column("cloud_request_id", _LONG_NAME, nullable=False),
    Column("address", _LONG_NAME, nullable=False),
    PrimaryKeyConstraint("cluster_id", "kind", "instance", "name", "epoch"),
    **_OPTIONS,
)

signals = Table(
    "signals",
    TABLES,
    Column("cluster_id", _ID),
    Column("instance", _NAME),
    Column("generation", Integer, autoincrement=False),
    Column("is_success", Boolean, nullable=False),
    Column("reason", _LONG_TEXT, nullable=False),
    Column("data", _LONG_TEXT, nullable=False),
    Column("at", Double, nullable=False),
    PrimaryKeyConstraint("cluster_id", "instance", "generation"),
    **_OPTIONS,
)

contacts = Table(
    "contacts",
    TABLES,
    Column("cluster_id", _ID),
    Column("instance", _NAME),
    Column("epoch", Integer, autoincrement=False),
    PrimaryKeyConstraint("cluster_id", "instance", "epoch"),
    **_OPTIONS,
)

document_readers = Table(
    "document_readers",
    TABLES,
    Column("cluster_id", _ID),
    Column("instance", _NAME),
    Column("epoch", Integer, autoincrement=False),
    Column("address", _NAME),
    Column("place", Integer, nullable=False),
    PrimaryKeyConstraint("cluster_id", "instance", "epoch", "address"),
    **_OPTIONS,
)
"""`place` tells in which order they have come."""

key_contacts = Table(
    "key_contacts",
    TABLES,
    Column("cluster_id", _ID),
    Column("instance", _NAME),
    Column("key_id", _NAME),
    PrimaryKeyConstraint("cluster_id", "instance", "key_id"),
    **_OPTIONS,
)

looks = Table(
    "looks",
    TABLES,
    Column("engine", _WORD),
    Column("cluster", _NAME),
    Column("finding", _NAME),
    Column("first_at", Double, nullable=False),
    PrimaryKeyConstraint("engine", "cluster", "finding"),
    **_OPTIONS,
)
"""Since when audits have seen their findings. `cluster` is a name: most are of clusters that are gone."""

events = Table(
    "events",
    TABLES,
    Column("number", Integer, primary_key=True),
    Column("cluster", _NAME, nullable=False),
    Column("at", Double, nullable=False),
    Column("text", _LONG_TEXT, nullable=False),
    Index("events_cluster", "cluster", "number"),
    sqlite_autoincrement=True,
    **_OPTIONS,
)
