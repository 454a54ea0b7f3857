"""A refused password is tried less and less often."""

from __future__ import annotations

from itertools import pairwise

from guestagent.database.refused_logins import LONGEST_PAUSE_S, RefusedLogins
from guestagent.database.state import ServerError
from guestagent.retry import FakeClock

WHO = ("10.0.0.7", 3306, "slave0000")
DENIED = ServerError(1045, "Access denied")


def test_the_pause_grows_to_a_few_seconds() -> None:
    clock, tried = FakeClock(), list[float]()
    refused: RefusedLogins[str] = RefusedLogins(clock.now)

    for _ in range(300):
        if refused.recall(WHO, "wrong") is None:
            tried.append(clock.now())
            refused.note(WHO, "wrong", DENIED)
        clock.sleep(0.1)

    pauses = [later - earlier for earlier, later in pairwise(tried)]
    assert len(tried) <= 9
    assert all(pause >= LONGEST_PAUSE_S for pause in pauses[4:])


def test_another_password_is_tried_at_once() -> None:
    refused: RefusedLogins[str] = RefusedLogins(FakeClock().now)

    refused.note(WHO, "wrong", DENIED)

    assert refused.recall(WHO, "wrong") == DENIED
    assert refused.recall(WHO, "right") is None


def test_a_source_that_is_down_is_tried_as_often_as_before() -> None:
    refused: RefusedLogins[str] = RefusedLogins(FakeClock().now)

    refused.note(WHO, "right", ServerError(2003, "Connection refused"))

    assert refused.recall(WHO, "right") is None
