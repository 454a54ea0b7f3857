"""The errors in os-collect-config's log. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

ERROR_COLLECTORS = ("cfn", "heat")
"""The collectors of which each failure is an error: `request` and `zaqar` also report that there is nothing new."""
UNAVAILABLE_PATTERN = re.compile(r"Source \[([a-z_]+)\] Unavailable\.$")
FAILURE_PATTERN = re.compile(r"(Command failed, .*|(?:[A-Za-z_]+\.)*[A-Za-z_]+(?:Error|Exception): .*)$")
QUERY_PATTERN = re.compile(r"\?\S*")
TEXT_LIMIT = 300


def find_collection_errors(log: str, collectors: Collection[str]) -> tuple[str, ...]:
    """Return the errors that these collectors and the program itself have logged, each once.

    The queries of URLs are left out: they are signed, and so a credential.
    """
    errors = _list_errors(log.splitlines(), collectors)
    return tuple(dict.fromkeys(QUERY_PATTERN.sub("", error)[:TEXT_LIMIT] for error in errors))


def _list_errors(lines: list[str], collectors: Collection[str]) -> Iterator[str]:
    """A collector logs its reason, and os-collect-config on the next line that the source is unavailable."""
    for previous, line in zip(["", *lines], lines, strict=False):
        unavailable, failure = UNAVAILABLE_PATTERN.search(line), FAILURE_PATTERN.match(line)
        if unavailable is not None and unavailable[1] in ERROR_COLLECTORS and unavailable[1] in collectors:
            has_reason = bool(previous) and UNAVAILABLE_PATTERN.search(previous) is None
            yield f"{unavailable[1]}: {previous if has_reason else 'unavailable'}"
        elif failure is not None:
            yield failure[1]
