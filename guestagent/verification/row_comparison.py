"""Comparing the rows of a table on two servers: chunk by chunk, and by bisection if a chunk differs. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from guestagent.verification.key_range import Key, KeyRange
from guestagent.verification.row_checksum import Checksum


class ChecksumReader(Protocol):
    """Reads rows of one table as one server has them."""

    def read_checksum(self, key_range: KeyRange) -> Checksum:
        """Return the checksum of the rows in a range."""

    def find_key(self, key_range: KeyRange, offset: int) -> Key | None:
        """Return the key that is `offset` rows after the first one in a range; None if there are fewer rows."""


@dataclass(frozen=True, slots=True)
class RowDifference:
    """A range in which the rows differ. The keys are those of its first and its last row, None without a key."""

    first_key: Key | None
    last_key: Key | None
    source_rows: int
    replica_rows: int


@dataclass(frozen=True, slots=True)
class ReaderPair:
    """The readers of one table on both servers, at one position."""

    source: ChecksumReader
    replica: ChecksumReader

    def read_checksums(self, key_range: KeyRange) -> tuple[Checksum, Checksum]:
        return self.source.read_checksum(key_range), self.replica.read_checksum(key_range)


def find_differences(
    readers: ReaderPair, key_range: KeyRange, checksums: tuple[Checksum, Checksum]
) -> Iterator[RowDifference]:
    """Halve a range with different checksums until each part has at most one row on either server.

    The middle is that of the server with more rows, so both halves are smaller than the whole.
    """
    source, replica = checksums
    count = max(source.row_count, replica.row_count)
    if count <= 1:
        keys = [
            key
            for reader in (readers.source, readers.replica)
            if (key := reader.find_key(key_range, 0)) is not None
        ]
        yield RowDifference(
            next(iter(keys), None), next(reversed(keys), None), source.row_count, replica.row_count
        )
        return
    larger = readers.source if source.row_count == count else readers.replica
    middle = larger.find_key(key_range, count // 2 - 1)
    for half in (key_range.end_at(middle), key_range.begin_after(middle)):
        half_checksums = readers.read_checksums(half)
        if half_checksums[0] != half_checksums[1]:
            yield from find_differences(readers, half, half_checksums)
