"""Runs a program to its end. The agent's only subprocess."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

POLL_INTERVAL_S = 0.2


@dataclass(frozen=True, slots=True)
class ProgramResult:
    exit_code: int
    output: str


def run_program(
    argv: Sequence[str], meanwhile: Callable[[], None], *, with_errors: bool = True
) -> ProgramResult:
    """Run a program without input, and return its output. OSError if it cannot be started.

    `meanwhile` is called at intervals. An exception that it raises kills the program. `with_errors`: the output
    includes the standard error.
    """
    with subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if with_errors else subprocess.DEVNULL,
        text=True,
        errors="replace",
    ) as process:
        try:
            output = _read_output(process, meanwhile)
            return ProgramResult(process.returncode, output)
        finally:
            if process.poll() is None:
                process.kill()


def _read_output(process: subprocess.Popen[str], meanwhile: Callable[[], None]) -> str:
    """Read to the end: a program with much output would otherwise wait for a reader."""
    while True:
        try:
            return process.communicate(timeout=POLL_INTERVAL_S)[0]
        except subprocess.TimeoutExpired:
            meanwhile()
