"""Reading checksums and keys of a table from one server, inside the snapshot of its session."""

from __future__ import annotations

from guestagent.database.connection import Connection
from guestagent.verification.identifiers import build_fixed_statement
from guestagent.verification.key_range import Key, KeyRange
from guestagent.verification.row_checksum import Checksum, build_checksum_query, build_key_query
from guestagent.verification.table import Table


class SqlChecksumReader:
    """The ChecksumReader of a server."""

    def __init__(self, connection: Connection, table: Table) -> None:
        self._connection, self._table = connection, table

    def read_checksum(self, key_range: KeyRange) -> Checksum:
        statement = build_fixed_statement(build_checksum_query(self._table, key_range))
        row = self._connection.fetch_rows(statement, self._operation)[0]
        return Checksum(int(row["row_count"] or 0), int(row["total"] or 0))

    def find_key(self, key_range: KeyRange, offset: int) -> Key | None:
        statement = build_fixed_statement(build_key_query(self._table, key_range, offset))
        rows = self._connection.fetch_rows(statement, self._operation)
        return tuple(str(value) for value in rows[0].values()) if rows else None

    @property
    def _operation(self) -> str:
        return f"reading the rows of {self._table.full_name}"
