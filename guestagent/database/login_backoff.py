"""How often a login is tried that its server refuses: servers count wrong passwords, and block an account."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from guestagent.database.state import ServerError

LOGIN_REJECTED_ERRORS = frozenset({1045, 1698, 3955, 4150})
"""A wrong password, an unknown user, and an account that was blocked for such logins."""

MIN_RETRY_INTERVAL_S = 0.5
MAX_RETRY_INTERVAL_S = 5.0

Login = TypeVar("Login")


@dataclass(frozen=True, slots=True)
class _Refusal(Generic[Login]):
    login: Login
    error: ServerError
    pause: float
    until: float


class LoginBackoff(Generic[Login]):
    """The last refusal by address and user. A login with another password is another one."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._known: dict[tuple[str, int, str], _Refusal[Login]] = {}

    def find_error(self, who: tuple[str, int, str], login: Login) -> ServerError | None:
        """Return the error with which this login was refused just now, None if it may be tried."""
        known = self._known.get(who)
        waits = known is not None and known.login == login and self._now() < known.until
        return known.error if known is not None and waits else None

    def record_attempt(self, who: tuple[str, int, str], login: Login, error: ServerError | None) -> None:
        """Note how a try has ended. Each refusal doubles the pause before the next try."""
        known = self._known.pop(who, None)
        if error is None or error.number not in LOGIN_REJECTED_ERRORS:
            return
        again = known is not None and known.login == login
        pause = (
            min(MAX_RETRY_INTERVAL_S, known.pause * 2)
            if known is not None and again
            else MIN_RETRY_INTERVAL_S
        )
        self._known[who] = _Refusal(login, error, pause, self._now() + pause)
