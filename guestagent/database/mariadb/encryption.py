"""The plugin by which a MariaDB server encrypts its data."""

from __future__ import annotations

from guestagent.database.connection import Connection
from guestagent.database.sql_statement import sql

OPERATION = "reading the server's settings"
SELECT_PLUGIN = sql(
    "SELECT plugin_name AS name FROM information_schema.plugins"
    " WHERE plugin_type = 'ENCRYPTION' AND plugin_status = 'ACTIVE'"
)


def read_encryption_plugin(connection: Connection) -> str:
    """Read the name of the plugin; "" if there is none."""
    rows = connection.fetch_rows(SELECT_PLUGIN, OPERATION)
    return str(rows[0]["name"]) if rows else ""


def has_encryption(connection: Connection) -> bool:
    """Return whether this server can encrypt tables."""
    return bool(read_encryption_plugin(connection))
