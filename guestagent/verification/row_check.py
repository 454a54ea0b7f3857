"""Comparing the rows of one table in chunks, each inside a pair of snapshots at one position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

from guestagent.errors import DatabaseRefused, DatabaseUnreachable
from guestagent.retry import Clock
from guestagent.verification.catalog import read_columns
from guestagent.verification.checksum_reader import SqlChecksumReader
from guestagent.verification.key_range import Key, KeyRange, format_key
from guestagent.verification.pair_keeper import PairKeeper
from guestagent.verification.read_rate import ReadRate
from guestagent.verification.result import Difference, Uncompared
from guestagent.verification.row_comparison import ReaderPair, RowDifference, find_differences
from guestagent.verification.snapshot_pair import SnapshotPair
from guestagent.verification.table import Table

TABLE_CHANGED_ERRORS = frozenset({1054, 1146, 1205, 1412})
"""A DDL statement since the snapshot, or one that waits: no such column or table, lock timeout, definition changed."""

ER_QUERY_INTERRUPTED = 1317
"""A query that was killed, which sometimes is all that a client learns when its session is killed."""

DIFFERENCE_LIMIT = 20
"""Ranges of one table that are narrowed down to single rows. Of further chunks only the number is reported."""

CHUNK_ATTEMPT_LIMIT = 5
QUIET_ATTEMPT_LIMIT = 3
PROGRESS_INTERVAL_S = 5.0
LONG_WAIT_S = 2.0


class TableChanged(Exception):
    """A table that cannot be read in the snapshots, because its definition has changed since."""


class RowTooLong(Exception):
    """A row whose checksum a server cannot compute."""


@dataclass(slots=True)
class TableReport:
    """What the comparison of one table has found so far."""

    differences: list[RowDifference] = field(default_factory=list)
    further_chunks: int = 0
    rows: int = 0
    bytes: int = 0

    @property
    def is_equal(self) -> bool:
        return not self.differences


class RowCheck:
    """Compares tables, one after the other."""

    def __init__(
        self, keeper: PairKeeper, read_rate: ReadRate, clock: Clock, report: Callable[[str], None]
    ) -> None:
        self._keeper, self._read_rate, self._clock, self._report = keeper, read_rate, clock, report
        self._reported_at = clock.now()
        self._current: tuple[SnapshotPair, Table] | None = None
        self.row_count, self.byte_count, self.table_count = 0, 0, 0

    def run(self, table: Table) -> tuple[tuple[Difference, ...], tuple[Uncompared, ...]]:
        """Compare one table. Raises TableChanged if it must be looked up again."""
        attempts = 1 if table.has_snapshots else QUIET_ATTEMPT_LIMIT
        try:
            for _ in range(attempts):
                table_report = self._compare(table)
                if table_report.is_equal:
                    break
        except RowTooLong:
            reason = "a row is longer than the server's max_allowed_packet"
            return (), (Uncompared(table.full_name, reason),)
        except DatabaseRefused as error:
            return (), (Uncompared(table.full_name, str(error)),)
        self.table_count += 1
        self.row_count += table_report.rows
        self._report(f"{table.full_name}: {table_report.rows} rows")
        if not table_report.is_equal and not table.has_snapshots:
            reason = (
                f"{table.engine} has no snapshots, and its rows differed in each of {attempts} comparisons"
            )
            return (), (Uncompared(table.full_name, reason),)
        return tuple(_describe_differences(table, table_report)), ()

    def _compare(self, table: Table) -> TableReport:
        table_report, after = TableReport(), None
        while True:
            until = self._compare_next_chunk(table, after, table_report)
            if until is None:
                return table_report
            after = until

    def _compare_next_chunk(self, table: Table, after: Key | None, table_report: TableReport) -> Key | None:
        """Compare the rows after a key, and return the last one of them; None at the end of the table."""
        for attempt in range(1, CHUNK_ATTEMPT_LIMIT + 1):
            try:
                pair = self._keeper.get_pair()
                until, row_count, found = self._read_chunk(pair, table, after, table_report)
                pair.release_locks()
                break
            except (DatabaseUnreachable, DatabaseRefused) as error:
                self._keeper.drop_pair()
                number = error.number if isinstance(error, DatabaseRefused) else ER_QUERY_INTERRUPTED
                if number in TABLE_CHANGED_ERRORS:
                    raise TableChanged from error
                if number != ER_QUERY_INTERRUPTED or attempt == CHUNK_ATTEMPT_LIMIT:
                    raise
                self._report(f"{error}: connecting again")
        if found is None:
            table_report.further_chunks += 1
        else:
            table_report.differences += found
        byte_count = row_count * table.row_size
        table_report.rows += row_count
        self.byte_count += byte_count
        self._report_progress(table, table_report)
        self._wait(byte_count)
        return until

    def _read_chunk(
        self, pair: SnapshotPair, table: Table, after: Key | None, table_report: TableReport
    ) -> tuple[Key | None, int, list[RowDifference] | None]:
        """Return the end of the chunk, its number of rows, and its differences; None if it is one too many."""
        if (pair, table) != self._current:
            # The definition may have changed since it was read, or since the last pair.
            if read_columns(pair.source, table) != table.columns:
                raise TableChanged
            self._current = pair, table
        readers = ReaderPair(SqlChecksumReader(pair.source, table), SqlChecksumReader(pair.replica, table))
        until = None
        if table.key:
            offset = self._read_rate.choose_chunk_rows(table.row_size) - 1
            until = readers.source.find_key(KeyRange(after), offset)
        key_range = KeyRange(after, until)
        checksums = readers.read_checksums(key_range)
        source, replica = checksums
        if not (source.is_valid and replica.is_valid):
            raise RowTooLong
        if source == replica:
            return until, source.row_count, []
        if not table.key:
            whole = RowDifference(None, None, source.row_count, replica.row_count)
            return until, source.row_count, [whole]
        remaining = DIFFERENCE_LIMIT - len(table_report.differences)
        if remaining <= 0:
            return until, source.row_count, None
        found = list(islice(find_differences(readers, key_range, checksums), remaining))
        return until, source.row_count, found

    def _wait(self, byte_count: int) -> None:
        """Wait for the rate. During a long wait no snapshot is open, because on MariaDB it holds locks."""
        seconds = self._read_rate.compute_wait(byte_count)
        if seconds > LONG_WAIT_S:
            self._keeper.drop_pair()
        self._clock.sleep(seconds)

    def _report_progress(self, table: Table, table_report: TableReport) -> None:
        if self._clock.now() - self._reported_at >= PROGRESS_INTERVAL_S:
            self._reported_at = self._clock.now()
            self._report(
                f"{table.full_name}: {table_report.rows} rows of about {max(table.row_estimate, table_report.rows)}"
            )


def _describe_differences(table: Table, table_report: TableReport) -> list[Difference]:
    differences = [_describe_difference(table, each) for each in table_report.differences]
    if len(table_report.differences) >= DIFFERENCE_LIMIT:
        text = f"further rows may differ: they do in {table_report.further_chunks} further chunks"
        differences.append(Difference("rows", table.full_name, text))
    return differences


def _describe_difference(table: Table, difference: RowDifference) -> Difference:
    first, last = (
        "" if key is None else format_key(table.key, key)
        for key in (difference.first_key, difference.last_key)
    )
    where = (first if first == last else f"{first} to {last}") or "all rows (the table has no usable key)"
    counts = f"{difference.source_rows} on the source, {difference.replica_rows} on the replica"
    return Difference(
        kind="rows",
        name=table.full_name,
        text=f"{where}: {counts}",
        first_key=first,
        last_key=last,
        source_rows=difference.source_rows,
        replica_rows=difference.replica_rows,
    )
