"""Asks the operator on a node a question that only `yes` confirms."""

from __future__ import annotations

import sys

from guestagent.errors import InvalidInput, Problem


def ask_operator(question: str, *, command: str, advice: str, as_json: bool) -> bool:
    """Return whether the person at the terminal answers yes.

    Raises InvalidInput with the `advice` if nobody can be asked: with --json, or without a terminal.
    """
    if as_json or not sys.stdin.isatty():
        found = "--json, which cannot ask" if as_json else "no terminal to confirm at"
        raise InvalidInput([Problem(command, "--yes", found, advice)])
    sys.stdout.write(question)
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() == "yes"
