"""Pairs of an account and a value, indexed by account: a pass looks up each of up to a thousand accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from guestagent.database.state import Account

T = TypeVar("T")


class AccountIndex(Generic[T]):
    """An index of the set that was searched last. Sets are distinguished by identity: comparing them takes longer."""

    def __init__(self) -> None:
        self._indexed_pairs: tuple[frozenset[tuple[Account, T]], Mapping[Account, Sequence[T]]] = (
            frozenset(),
            {},
        )

    def find(self, pairs: frozenset[tuple[Account, T]], account: Account) -> Sequence[T]:
        """Return all values of the account."""
        indexed_pairs, index = self._indexed_pairs
        if indexed_pairs is not pairs:
            values: defaultdict[Account, list[T]] = defaultdict(list)
            for key, value in pairs:
                values[key].append(value)
            index = dict(values)
            self._indexed_pairs = pairs, index
        return index.get(account, ())
