"""Keeps the documents that nodes have read: most of them read the same one every few seconds.

A document follows from what the store has of its cluster, and from the keys. So it is the same as long as the cluster's
version is, and whoever takes one from here has asked for that first. After a while it is made anew all the same: a
worker of an older guestagent, on another host that is not yet upgraded, changes a cluster without a new version.
"""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from guestagent.resources.endpoint.node_answer import NodeAnswer

ANSWER_LIMIT = 1000
LONGEST_USE_S = 300.0


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """The answer to a genuine request of one reader, and the version of the cluster that it was made from."""

    signature: str = field(repr=False)
    reader: str
    cluster: str
    version: str
    answer: NodeAnswer


class KnownAnswers:
    """The last answers by their paths. The one that was not asked for the longest is forgotten first."""

    def __init__(self, limit: int = ANSWER_LIMIT, read_clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._read_clock, self._lock = limit, read_clock, Lock()
        self._answers: OrderedDict[str, tuple[KnownAnswer, float]] = OrderedDict()

    def find(self, path: str, signature: str, reader: str) -> KnownAnswer | None:
        """Return the answer to this path if the signature is the one that was genuine then, for the same reader."""
        with self._lock:
            known, kept_at = self._answers.get(path, (None, 0.0))
            if (
                known is None
                or self._read_clock() >= kept_at + LONGEST_USE_S
                or known.reader != reader
                or not hmac.compare_digest(known.signature.encode(), signature.encode(errors="replace"))
            ):
                return None
            self._answers.move_to_end(path)
            return known

    def keep(self, path: str, known: KnownAnswer) -> None:
        """Keep an answer in place of an earlier one."""
        with self._lock:
            self._answers[path] = known, self._read_clock()
            self._answers.move_to_end(path)
            if len(self._answers) > self._limit:
                self._answers.popitem(last=False)
