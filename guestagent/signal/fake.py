"""A wait condition handle for tests, which gives scripted answers and records the signals that it accepts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from guestagent.errors import SignalError
from guestagent.metadata.document import Handle


class FakeHandle:
    """A handle and its transport. Pass `connect` to a Sender.

    `answers` holds, for each attempt, an error to raise or None to accept; the last one repeats.
    """

    def __init__(self, answers: Iterable[SignalError | None] = ()) -> None:
        self._answers = list(answers) or [None]
        self.received: list[dict[str, Any]] = []
        self.attempts = 0

    def connect(self, handle: Handle) -> FakeHandle:
        return self

    def send(self, body: bytes, seconds: float) -> None:
        answer = self._answers[min(self.attempts, len(self._answers) - 1)]
        self.attempts += 1
        if answer is not None:
            raise answer
        self.received.append(json.loads(body))
