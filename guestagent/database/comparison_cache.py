"""A cache for slow comparisons of secrets: a verified password is not verified again while nothing changes.

The cache key is a keyed digest of both texts. The digest's key is random and exists only in this process, so the cache
reveals nothing about a secret.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

ENTRY_LIMIT = 8192
"""A source has at most a thousand accounts, each with a desired, a current and a retained password."""


class ComparisonCache:
    """`miss_count` counts the comparisons that were not in the cache."""

    def __init__(self, limit: int = ENTRY_LIMIT) -> None:
        self.miss_count = 0
        self._limit, self._key = limit, secrets.token_bytes(32)
        self._results: dict[bytes, bool] = {}

    def compare(self, first: str, second: str, is_same: Callable[[], bool]) -> bool:
        """Return the result of `is_same` for these two texts, and call it only if the cache does not have it."""
        text = f"{len(first)}:{first}{second}".encode("utf-8", "surrogatepass")
        digest = hashlib.blake2b(text, digest_size=16, key=self._key).digest()
        result = self._results.pop(digest, None)
        if result is None:
            self.miss_count += 1
            result = is_same()
        self._results[digest] = result  # the newest entry is last
        if len(self._results) > self._limit:
            del self._results[next(iter(self._results))]
        return result
