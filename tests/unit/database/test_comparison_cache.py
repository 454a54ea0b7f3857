"""Slow comparisons of secrets run once, and the cache contains no secrets."""

from __future__ import annotations

from guestagent.database.comparison_cache import ComparisonCache
from guestagent.database.mysql import password_hash
from guestagent.secret import Secret


def test_each_comparison_runs_once() -> None:
    cache = ComparisonCache()

    def compare(text: str) -> bool:
        return cache.compare("stored", text, lambda: text == "right")

    results = [compare(text) for text in ("right", "wrong") * 3]

    assert (results, cache.miss_count) == ([True, False] * 3, 2)


def test_pairs_with_the_same_concatenation_are_distinct() -> None:
    cache = ComparisonCache()
    cache.compare("ab", "c", lambda: True)

    assert not cache.compare("a", "bc", lambda: False)


def test_the_oldest_entry_is_removed_first() -> None:
    cache = ComparisonCache(limit=2)
    for text in ("a", "b", "a", "c"):
        cache.compare(text, "", lambda: True)
    before = cache.miss_count

    for text in ("a", "c"):
        cache.compare(text, "", lambda: True)
    cache.compare("b", "", lambda: True)

    assert (before, cache.miss_count) == (3, 4)


def test_the_cache_contains_no_secret() -> None:
    cache = ComparisonCache()
    cache.compare("st0red", "s3cret", lambda: True)

    kept = b"".join(cache._results)

    assert b"s3cret" not in kept
    assert b"st0red" not in kept
    assert len(kept) == 16


def test_a_stored_password_is_verified_once_until_it_changes() -> None:
    stored, other = (password_hash.hash_password(Secret(text), thousands=1) for text in ("s3cret", "0ther"))
    before = password_hash.COMPARISON_CACHE.miss_count

    assert [password_hash.verify_password(stored, Secret("s3cret")) for _ in range(5)] == [True] * 5
    assert not password_hash.verify_password(other, Secret("s3cret"))
    assert password_hash.COMPARISON_CACHE.miss_count - before == 2
