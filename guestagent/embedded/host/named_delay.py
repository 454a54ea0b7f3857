"""The delay that a server or a volume asks for by its name: `slow-N`, as on the real cloud of this package. Pure."""

from __future__ import annotations

import re

DELAY_PATTERN = re.compile(r"slow-(\d+)")


def read_delay(name: str) -> int:
    """Return the seconds that an operation takes longer."""
    delay = DELAY_PATTERN.search(name)
    return int(delay[1]) if delay else 0
