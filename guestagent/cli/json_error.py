"""Errors as JSON, for a program that called a command with --json."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from guestagent.errors import EXIT_INTERRUPTED


def write_error(kind: str, message: str, exit_code: int, details: Mapping[str, object] | None = None) -> None:
    """Write an error to standard output."""
    error = {"kind": kind, "message": message, "exit_code": exit_code, **(details or {})}
    sys.stdout.write(json.dumps({"error": error}, indent=2) + "\n")


def report_interrupt(message: str, as_json: bool) -> int:
    """Report that the command was interrupted, and return its exit code."""
    if as_json:
        write_error("Interrupted", message, EXIT_INTERRUPTED)
    sys.stderr.write(f"guestagent: {message}\n")
    return EXIT_INTERRUPTED
