"""Slow comparisons of secrets are made once, and nothing of the secrets is kept."""

from __future__ import annotations

from guestagent.database.comparison_cache import ComparisonCache
from guestagent.database.mysql import password_hash
from guestagent.secret import Secret


def test_a_comparison_is_made_once_whatever_came_of_it() -> None:
    memo = ComparisonCache()

    def compare(text: str) -> bool:
        return memo.compare("stored", text, lambda: text == "right")

    found = [compare(text) for text in ("right", "wrong") * 3]

    assert (found, memo.miss_count) == ([True, False] * 3, 2)


def test_texts_are_not_mixed_up_where_one_ends_and_the_other_begins() -> None:
    memo = ComparisonCache()
    memo.compare("ab", "c", lambda: True)

    assert not memo.compare("a", "bc", lambda: False)


def test_the_oldest_is_forgotten_first() -> None:
    memo = ComparisonCache(limit=2)
    for text in ("a", "b", "a", "c"):
        memo.compare(text, "", lambda: True)
    before = memo.miss_count

    for text in ("a", "c"):
        memo.compare(text, "", lambda: True)
    memo.compare("b", "", lambda: True)

    assert (before, memo.miss_count) == (3, 4)


def test_nothing_of_the_secrets_is_kept() -> None:
    memo = ComparisonCache()
    memo.compare("st0red", "s3cret", lambda: True)

    kept = b"".join(memo._results)

    assert b"s3cret" not in kept
    assert b"st0red" not in kept
    assert len(kept) == 16


def test_a_stored_password_is_proved_once_until_it_changes() -> None:
    stored, other = (password_hash.hash_password(Secret(text), thousands=1) for text in ("s3cret", "0ther"))
    before = password_hash.COMPARISON_CACHE.miss_count

    assert [password_hash.verify_password(stored, Secret("s3cret")) for _ in range(5)] == [True] * 5
    assert not password_hash.verify_password(other, Secret("s3cret"))
    assert password_hash.COMPARISON_CACHE.miss_count - before == 2
