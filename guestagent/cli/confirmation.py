"""Asks a person to confirm what cannot be undone, by the name of what it changes."""

from __future__ import annotations

import sys

from guestagent.errors import InvalidInput, Problem


def confirm_by_name(warning: str, name: str, otherwise: str) -> None:
    """Raise InvalidInput unless the person types the name. `otherwise` is what is true then."""
    if not sys.stdin.isatty():
        raise InvalidInput(
            [Problem("--yes", "--yes, because there is no terminal for a confirmation", "none")]
        )
    sys.stderr.write(f"{warning} Type its name to continue: ")
    sys.stderr.flush()
    answer = sys.stdin.readline().strip()
    if answer != name:
        raise InvalidInput([Problem("the name", name, repr(answer), otherwise)])
