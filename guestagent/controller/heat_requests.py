"""Requests to Heat that are repeated while it does not answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from guestagent.errors import CloudRefused, CloudUnreachable
from guestagent.retry import Backoff, Clock, Retry

T = TypeVar("T")

REQUEST_RETRY = Retry(errors=(CloudUnreachable,), backoff=Backoff(initial_s=0.5, max_s=10))
REQUEST_TIMEOUT_S = 60.0
FIRST_REQUEST_TIMEOUT_S = 5.0  # for a cloud that has never answered: its address is more likely wrong


class RequestRunner:
    """Repeats a request until Heat answers it, or its time is over."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._has_answer = False

    def run(self, request: Callable[[], T]) -> T:
        """Return the response of a request that may be repeated at any time."""
        timeout = REQUEST_TIMEOUT_S if self._has_answer else FIRST_REQUEST_TIMEOUT_S
        response = REQUEST_RETRY.call(request, until=self._clock.now() + timeout, clock=self._clock)
        self._has_answer = True
        return response

    def run_once(self, request: Callable[[], T], find_effect: Callable[[], T | None]) -> T:
        """Make a request that must have its effect once.

        A lost answer is no refusal: `find_effect` looks for the effect before the request is repeated.
        """
        is_sent = False

        def attempt() -> T:
            nonlocal is_sent
            if is_sent and (effect := find_effect()) is not None:
                return effect
            is_repetition, is_sent = is_sent, True
            try:
                return request()
            except CloudRefused:
                # The first request may have arrived after the search for its effect.
                if is_repetition and (effect := find_effect()) is not None:
                    return effect
                raise

        return self.run(attempt)
