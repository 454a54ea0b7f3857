"""Wakes those who wait for the progress of operations, whoever has written it."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from threading import Condition

LOOK_INTERVAL_S = 0.25
"""How often one of those who wait looks at the database, for all of them."""


class OperationWatch:
    """The sequences of the operations that somebody waits for.

    What this process writes is noted at once. For what others write one of the waiting threads looks now and then:
    `read_sequences` returns the sequences of these operations; those that are gone are missing. Between two looks
    nobody holds a connection.
    """

    def __init__(self, read_sequences: Callable[[Collection[str]], Mapping[str, int]]) -> None:
        self._read_sequences = read_sequences
        self._changed = Condition()
        self._waiting: Counter[str] = Counter()
        self._sequences: dict[str, int] = {}
        self._next_look_at = 0.0
        self._is_looking = False
        self._has_ended = False

    @property
    def has_ended(self) -> bool:
        """Whether nobody waits any more, because the process ends."""
        return self._has_ended

    def end_waits(self) -> None:
        """Wake everybody, from now on at once."""
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def note_changes(self, sequences: Mapping[str, int]) -> None:
        """Wake those who wait for these operations."""
        with self._changed:
            self._keep(sequences)

    def await_change(self, operation_id: str, sequence: int, up_to_s: float) -> None:
        """Return when the operation's sequence is above this one, or when the time is over, or the process ends."""
        until = time.monotonic() + up_to_s
        with self._changed:
            self._waiting[operation_id] += 1
            try:
                while self._sequences.get(operation_id, 0) <= sequence:
                    now = time.monotonic()
                    if now >= until or self._has_ended:
                        return
                    if now >= self._next_look_at and not self._is_looking:
                        self._look()
                    else:
                        next_look_s = self._next_look_at - now if not self._is_looking else up_to_s
                        self._changed.wait(min(until - now, next_look_s))
            finally:
                self._waiting[operation_id] -= 1
                if not self._waiting[operation_id]:
                    del self._waiting[operation_id]
                    self._sequences.pop(operation_id, None)

    def _look(self) -> None:
        """Read the sequences, and let others go on meanwhile. Whatever happens, another thread can look next."""
        self._is_looking = True
        operation_ids = frozenset(self._waiting)
        self._changed.release()
        sequences: Mapping[str, int] = {}
        try:
            gone = dict.fromkeys(operation_ids, sys.maxsize)
            sequences = {**gone, **self._read_sequences(operation_ids)}
        finally:
            self._changed.acquire()
            self._is_looking = False
            self._next_look_at = time.monotonic() + LOOK_INTERVAL_S
            self._keep(sequences)

    def _keep(self, sequences: Mapping[str, int]) -> None:
        for operation_id, sequence in sequences.items():
            if operation_id in self._waiting:
                self._sequences[operation_id] = max(sequence, self._sequences.get(operation_id, 0))
        self._changed.notify_all()
