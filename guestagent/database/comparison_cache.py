"""Results of slow comparisons of secrets: a password that was proved once is not proved again while nothing changes.

A comparison is known by a keyed digest of both sides. The key is random and dies with the process, so that what is kept
tells nothing of a secret.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

ENTRY_LIMIT = 8192
"""A source has at most a thousand accounts, each with a wanted, a present and a retained password."""


class ComparisonCache:
    """`made` counts the comparisons that were not known yet."""

    def __init__(self, limit: int = ENTRY_LIMIT) -> None:
        self.miss_count = 0
        self._limit, self._key = limit, secrets.token_bytes(32)
        self._results: dict[bytes, bool] = {}

    def compare(self, one: str, other: str, is_same: Callable[[], bool]) -> bool:
        """Return what `is_same` returns for these two texts, and call it only if that is not known."""
        text = f"{len(one)}:{one}{other}".encode("utf-8", "surrogatepass")
        known = hashlib.blake2b(text, digest_size=16, key=self._key).digest()
        result = self._results.pop(known, None)
        if result is None:
            self.miss_count += 1
            result = is_same()
        self._results[known] = result  # the newest stands last
        if len(self._results) > self._limit:
            del self._results[next(iter(self._results))]
        return result
