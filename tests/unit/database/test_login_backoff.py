"""A rejected password is tried less and less often."""

from __future__ import annotations

from itertools import pairwise

from guestagent.database.login_backoff import MAX_RETRY_INTERVAL_S, LoginBackoff
from guestagent.database.state import ServerError
from guestagent.retry import FakeClock

WHO = ("10.0.0.7", 3306, "slave0000")
DENIED = ServerError(1045, "Access denied")


def test_the_interval_doubles_up_to_its_limit() -> None:
    clock, tried = FakeClock(), list[float]()
    refused: LoginBackoff[str] = LoginBackoff(clock.now)

    for _ in range(300):
        if refused.find_error(WHO, "wrong") is None:
            tried.append(clock.now())
            refused.record_attempt(WHO, "wrong", DENIED)
        clock.sleep(0.1)

    pauses = [later - earlier for earlier, later in pairwise(tried)]
    assert len(tried) <= 9
    assert all(pause >= MAX_RETRY_INTERVAL_S for pause in pauses[4:])


def test_another_password_is_tried_at_once() -> None:
    refused: LoginBackoff[str] = LoginBackoff(FakeClock().now)

    refused.record_attempt(WHO, "wrong", DENIED)

    assert refused.find_error(WHO, "wrong") == DENIED
    assert refused.find_error(WHO, "right") is None


def test_a_source_that_is_down_has_no_backoff() -> None:
    refused: LoginBackoff[str] = LoginBackoff(FakeClock().now)

    refused.record_attempt(WHO, "right", ServerError(2003, "Connection refused"))

    assert refused.find_error(WHO, "right") is None
