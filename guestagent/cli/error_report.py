"""The report of an error: one message on standard error, JSON on standard output for a program, and an exit code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping

from guestagent.cli.output import BROKEN_PIPE_ERRNOS, OutputError, discard_stdout
from guestagent.errors import (
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_OK,
    GuestAgentError,
    InvalidInput,
    OrderRefused,
    StorageError,
)
from guestagent.text_escaping import escape_line


class Misused(InvalidInput):
    """An invalid command line. `usage` shows the valid ones."""

    def __init__(self, command: str, message: str, usage: str) -> None:
        super().__init__((), command)
        self.message, self.usage = message, usage

    def __str__(self) -> str:
        return f"{self.where}: {self.message}".removeprefix("guestagent").lstrip(" :")


def report_output_error(error: OutputError) -> int:
    """Report that the output cannot be written, unless its reader has ended."""
    discard_stdout()
    if error.errno in BROKEN_PIPE_ERRNOS:
        return EXIT_OK
    return report_error(StorageError(f"the output cannot be written: {error.strerror}"), as_json=False)


def report_bug(error: Exception, as_json: bool) -> int:
    """Report an unexpected error in one sentence; with GUESTAGENT_DEBUG, raise it to show its traceback."""
    if os.environ.get("GUESTAGENT_DEBUG"):
        raise error
    message = f"this is a bug ({type(error).__name__}); run again with GUESTAGENT_DEBUG=1 and report it"
    if as_json:
        write_error("Bug", message, EXIT_BUG)
    sys.stderr.write(f"guestagent: {message}\n")
    return EXIT_BUG


def report_error(error: GuestAgentError, as_json: bool) -> int:
    """Report an error of the package with its advice, and return its exit code."""
    message = f"{error}; {error.advice}" if error.advice else str(error)
    if as_json:
        details: dict[str, object] = {**error.details}
        if isinstance(error, InvalidInput | OrderRefused):
            details["problems"] = [
                {"path": p.path, "expected": p.expected, "found": p.found, "do": p.do} for p in error.problems
            ]
        write_error(type(error).__name__, message, error.exit_code, details)
    if isinstance(error, Misused):
        sys.stderr.write(f"{error.usage}guestagent: {escape_line(str(error))}\n")
    elif isinstance(error, InvalidInput):
        prefix = f"{error.where}: " if error.where else ""
        sys.stderr.writelines(
            f"guestagent: {escape_line(f'{prefix}{problem}')}\n" for problem in error.problems
        )
    elif isinstance(error, OrderRefused):
        reference = f" (reference {error.reference} in the service's log)" if error.reference else ""
        sys.stderr.write(f"guestagent: {error.code}: {escape_line(error.message)}{reference}\n")
        sys.stderr.writelines(f"guestagent: {escape_line(str(problem))}\n" for problem in error.problems)
    else:
        sys.stderr.write(f"guestagent: {message}\n")
    return error.exit_code


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
