from __future__ import annotations

import random

import pytest

from guestagent.verification.key_range import Key, KeyRange
from guestagent.verification.row_checksum import Checksum
from guestagent.verification.row_comparison import ReaderPair, RowDifference, find_differences

ALL_ROWS = KeyRange()


class MemoryReader:
    """A ChecksumReader of numbers by their keys, which are numbers too."""

    def __init__(self, rows: dict[int, int]) -> None:
        self._rows = dict(sorted(rows.items()))

    def read_checksum(self, key_range: KeyRange) -> Checksum:
        keys = self._list_keys(key_range)
        return Checksum(len(keys), sum(hash((key, self._rows[key])) % 2**64 for key in keys))

    def find_key(self, key_range: KeyRange, offset: int) -> Key | None:
        keys = self._list_keys(key_range)
        return (str(keys[offset]),) if offset < len(keys) else None

    def _list_keys(self, key_range: KeyRange) -> list[int]:
        return [
            key
            for key in self._rows
            if (key_range.after is None or key > int(key_range.after[0]))
            and (key_range.until is None or key <= int(key_range.until[0]))
        ]


def find(source: dict[int, int], replica: dict[int, int]) -> list[RowDifference]:
    readers = ReaderPair(MemoryReader(source), MemoryReader(replica))
    return list(find_differences(readers, ALL_ROWS, readers.read_checksums(ALL_ROWS)))


def list_keys(differences: list[RowDifference]) -> set[int]:
    keys = [key for each in differences for key in (each.first_key, each.last_key)]
    return {int(key[0]) for key in keys if key is not None}


ROWS = {key: key * key for key in range(0, 3000, 3)}


def test_a_changed_row_is_narrowed_down_to_its_key() -> None:
    differences = find(ROWS, ROWS | {300: 7})

    assert differences == [RowDifference(("300",), ("300",), 1, 1)]


def test_a_missing_row_has_one_row_on_the_source_and_none_on_the_replica() -> None:
    differences = find(ROWS, {key: value for key, value in ROWS.items() if key != 2997})

    assert differences == [RowDifference(("2997",), ("2997",), 1, 0)]


def test_a_row_with_another_key_is_named_by_both() -> None:
    differences = find({1: 1}, {2: 1})

    assert differences == [RowDifference(("1",), ("2",), 1, 1)]


def test_an_empty_side_is_all_different() -> None:
    assert list_keys(find({}, {5: 1, 6: 1, 7: 1})) == {5, 6, 7}


@pytest.mark.parametrize("seed", range(20))
def test_every_different_row_is_found(seed: int) -> None:
    numbers = random.Random(seed)
    source = {numbers.randrange(500): numbers.randrange(3) for _ in range(300)}
    replica = dict(source)
    for _ in range(numbers.randrange(1, 30)):
        key = numbers.randrange(500)
        if replica.pop(key, None) is None:
            replica[key] = 9
    different = {key for key in {*source, *replica} if source.get(key) != replica.get(key)}

    found = list_keys(find(source, replica)) if different else set()

    assert found == different
