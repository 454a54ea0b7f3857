"""Tests of the pauses of imitated guests."""

from __future__ import annotations

from tests.support.polling import LONGEST_PAUSE_S, PollPause


def test_a_guest_without_news_polls_less_often_up_to_a_limit() -> None:
    pause = PollPause(0.1)
    pauses_s = []

    for _ in range(4):
        pause.adjust(has_changed=False)
        pauses_s.append(pause.seconds)

    assert pauses_s == [0.2, 0.4, LONGEST_PAUSE_S, LONGEST_PAUSE_S]


def test_a_change_brings_the_shortest_pause_back() -> None:
    pause = PollPause(0.1)
    pause.adjust(has_changed=False)

    pause.adjust(has_changed=True)

    assert pause.seconds == 0.1


def test_a_guest_whose_shortest_pause_is_above_the_limit_keeps_it() -> None:
    pause = PollPause(2.0)

    pause.adjust(has_changed=False)

    assert pause.seconds == 2.0
