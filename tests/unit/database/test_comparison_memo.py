"""Slow comparisons of secrets are made once, and nothing of the secrets is kept."""

from __future__ import annotations

from guestagent.database.comparison_memo import ComparisonMemo
from guestagent.database.mysql import sha2
from guestagent.secret import Secret


def test_a_comparison_is_made_once_whatever_came_of_it() -> None:
    memo = ComparisonMemo()

    def compare(text: str) -> bool:
        return memo.compare("stored", text, lambda: text == "right")

    found = [compare(text) for text in ("right", "wrong") * 3]

    assert (found, memo.made) == ([True, False] * 3, 2)


def test_texts_are_not_mixed_up_where_one_ends_and_the_other_begins() -> None:
    memo = ComparisonMemo()
    memo.compare("ab", "c", lambda: True)

    assert not memo.compare("a", "bc", lambda: False)


def test_the_oldest_is_forgotten_first() -> None:
    memo = ComparisonMemo(limit=2)
    for text in ("a", "b", "a", "c"):
        memo.compare(text, "", lambda: True)
    before = memo.made

    for text in ("a", "c"):
        memo.compare(text, "", lambda: True)
    memo.compare("b", "", lambda: True)

    assert (before, memo.made) == (3, 4)


def test_nothing_of_the_secrets_is_kept() -> None:
    memo = ComparisonMemo()
    memo.compare("st0red", "s3cret", lambda: True)

    kept = b"".join(memo._results)

    assert b"s3cret" not in kept
    assert b"st0red" not in kept
    assert len(kept) == 16


def test_a_stored_password_is_proved_once_until_it_changes() -> None:
    stored, other = (sha2.hashed(Secret(text), thousands=1) for text in ("s3cret", "0ther"))
    before = sha2.COMPARISONS.made

    assert [sha2.of(stored, Secret("s3cret")) for _ in range(5)] == [True] * 5
    assert not sha2.of(other, Secret("s3cret"))
    assert sha2.COMPARISONS.made - before == 2
