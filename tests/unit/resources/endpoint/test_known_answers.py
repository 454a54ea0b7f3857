"""Which answers of the endpoint are kept."""

from __future__ import annotations

from guestagent.resources.endpoint.known_answers import KnownAnswer, KnownAnswers
from guestagent.resources.endpoint.node_answer import NodeAnswer
from guestagent.resources.endpoint.signed_path import PathPurpose
from tests.support.served_cluster import ServedCluster

ANSWER = KnownAnswer("signed", "10.0.0.5", "shop", "1", NodeAnswer(200, b"{}"))


def test_the_answer_that_was_not_asked_for_the_longest_is_forgotten_first() -> None:
    answers = KnownAnswers(limit=2)
    for path in ("/a", "/b"):
        answers.keep(path, ANSWER)
    answers.find("/a", "signed", "10.0.0.5")

    answers.keep("/c", ANSWER)

    assert [answers.find(path, "signed", "10.0.0.5") for path in ("/a", "/b", "/c")] == [ANSWER, None, ANSWER]


def test_an_answer_is_made_anew_after_five_minutes() -> None:
    moments = iter([1000.0, 1299.0, 1300.0])
    answers = KnownAnswers(read_clock=lambda: next(moments))
    answers.keep("/a", ANSWER)

    found = [answers.find("/a", "signed", "10.0.0.5") for _ in range(2)]

    assert found == [ANSWER, None]


def test_an_answer_shows_no_secret() -> None:
    answer = KnownAnswer("a-signature", "10.0.0.5", "shop", "1", NodeAnswer(200, b"a-password"))

    assert "a-signature" not in repr(answer)
    assert "a-password" not in repr(answer)


def test_an_answer_is_known_to_its_reader_until_something_changes() -> None:
    shop = ServedCluster()
    endpoint, request = shop.endpoint, shop.sign("Slave0000", PathPurpose.RUN)
    before = endpoint.find_known(*request, "10.0.0.5")
    answer = endpoint.read_document(*request, "10.0.0.5")

    known = endpoint.find_known(*request, "10.0.0.5")
    of_another_reader = endpoint.find_known(*request, "10.0.0.6")
    of_another_signature = endpoint.find_known(request[0], "signed", "10.0.0.5")
    shop.signal("Master0000")

    assert (before, known) == (None, answer)
    assert (of_another_reader, of_another_signature) == (None, None)
    assert endpoint.find_known(*request, "10.0.0.5") is None
