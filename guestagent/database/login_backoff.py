"""Backoff for rejected logins: servers count wrong passwords, and block the account."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from guestagent.database.state import ServerError

LOGIN_REJECTED_ERRORS = frozenset({1045, 1698, 3955, 4150})
"""A wrong password, an unknown user, and an account that is blocked after such logins."""

MIN_RETRY_INTERVAL_S = 0.5
MAX_RETRY_INTERVAL_S = 5.0

Login = TypeVar("Login")


@dataclass(frozen=True, slots=True)
class _RejectedLogin(Generic[Login]):
    login: Login
    error: ServerError
    interval_s: float
    retry_time: float


class LoginBackoff(Generic[Login]):
    """The last rejected login by host, port and user. A login with another password may be tried at once."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._rejected: dict[tuple[str, int, str], _RejectedLogin[Login]] = {}

    def find_error(self, target: tuple[str, int, str], login: Login) -> ServerError | None:
        """Return the error with which this login was rejected a moment ago, None if it may be tried."""
        last = self._rejected.get(target)
        if last is None or last.login != login or self._now() >= last.retry_time:
            return None
        return last.error

    def record_attempt(self, target: tuple[str, int, str], login: Login, error: ServerError | None) -> None:
        """Record the result of a login. Each rejection doubles the interval until the next attempt."""
        last = self._rejected.pop(target, None)
        if error is None or error.number not in LOGIN_REJECTED_ERRORS:
            return
        interval_s = MIN_RETRY_INTERVAL_S
        if last is not None and last.login == login:
            interval_s = min(MAX_RETRY_INTERVAL_S, last.interval_s * 2)
        self._rejected[target] = _RejectedLogin(login, error, interval_s, self._now() + interval_s)
