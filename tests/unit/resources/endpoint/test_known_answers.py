"""Which answers of the endpoint are kept."""

from __future__ import annotations

from guestagent.resources.endpoint.known_answers import KnownAnswer, KnownAnswers
from guestagent.resources.endpoint.node_answer import NodeAnswer

ANSWER = KnownAnswer("signed", "10.0.0.5", "shop", "1", NodeAnswer(200, b"{}"))


def test_the_answer_that_was_not_asked_for_the_longest_is_forgotten_first() -> None:
    answers = KnownAnswers(limit=2)
    for path in ("/a", "/b"):
        answers.keep(path, ANSWER)
    answers.find("/a", "signed", "10.0.0.5")

    answers.keep("/c", ANSWER)

    assert [answers.find(path, "signed", "10.0.0.5") for path in ("/a", "/b", "/c")] == [ANSWER, None, ANSWER]


def test_an_answer_shows_no_secret() -> None:
    answer = KnownAnswer("a-signature", "10.0.0.5", "shop", "1", NodeAnswer(200, b"a-password"))

    assert "a-signature" not in repr(answer)
    assert "a-password" not in repr(answer)
