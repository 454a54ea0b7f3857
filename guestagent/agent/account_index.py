"""Pairs of an account and something, looked up by account: a pass asks of each of up to a thousand accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from guestagent.database.state import Account

T = TypeVar("T")


class AccountIndex(Generic[T]):
    """An index of the set that was asked last. It tells sets apart by identity, since to compare them takes longer."""

    def __init__(self) -> None:
        self._indexed: tuple[frozenset[tuple[Account, T]], Mapping[Account, Sequence[T]]] = frozenset(), {}

    def find(self, pairs: frozenset[tuple[Account, T]], account: Account) -> Sequence[T]:
        """Return everything that stands beside the account."""
        indexed, index = self._indexed
        if indexed is not pairs:
            found: defaultdict[Account, list[T]] = defaultdict(list)
            for each, value in pairs:
                found[each].append(value)
            index = dict(found)
            self._indexed = pairs, index
        return index.get(account, ())
