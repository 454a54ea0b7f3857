"""A handle for tests: it answers as told, and remembers what it was told."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from guestagent.errors import SignalError
from guestagent.metadata.document import Handle


class FakeHandle:
    """Give `connect` to a Sender.

    `answers`: an error to raise, or None to accept, attempt by attempt; the last one goes on.
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
