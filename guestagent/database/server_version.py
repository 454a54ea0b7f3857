"""The version that a database server reports. Pure."""

from __future__ import annotations

import re

VERSION_PATTERN = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


def parse_version(text: str) -> tuple[int, ...]:
    """Return major, minor and patch number of a version such as `10.11.6-MariaDB`; () for a text without them."""
    numbers = VERSION_PATTERN.match(text)
    return tuple(int(number or 0) for number in numbers.groups()) if numbers else ()
