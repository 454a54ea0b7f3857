"""Slows down an address that sends wrong passwords. Pure: the caller waits."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

FIRST_WAIT_S, WAIT_LIMIT_S = 0.5, 8.0
ADDRESS_LIMIT = 1024


@dataclass(slots=True)
class LoginLimit:
    """The failures of each address since its last success. Of very many addresses the oldest are forgotten."""

    _failures: OrderedDict[str, int] = field(default_factory=OrderedDict)

    def add_failure(self, address: str) -> float:
        """Count a failure, and return the seconds to wait before the answer."""
        count = self._failures.pop(address, 0) + 1
        self._failures[address] = count
        if len(self._failures) > ADDRESS_LIMIT:
            self._failures.popitem(last=False)
        return float(min(WAIT_LIMIT_S, FIRST_WAIT_S * 2 ** min(count - 1, 10)))

    def forget(self, address: str) -> None:
        """Note a success."""
        self._failures.pop(address, None)
