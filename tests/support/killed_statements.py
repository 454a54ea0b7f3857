"""Kills a use of a store before each of its statements and commits, in one process after the other."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

from sqlalchemy import Engine, event


def kill_at_each_statement(folder: Path, use: Callable[[Path], None]) -> None:
    """Call `use` with new folders 1, 2, ..., and kill it at its first, second, ... statement, until it ends by itself.

    Then this process ends as the last one did.
    """
    for number in count(1):
        pid = os.fork()
        if pid == 0:
            _kill_at_statement(number)
            (folder / str(number)).mkdir()
            use(folder / str(number))
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSIGNALED(status):
            sys.exit(os.waitstatus_to_exitcode(status))


def _kill_at_statement(number: int) -> None:
    """Have this process killed before its nth statement or commit."""
    statements = count(1)

    def kill(*_: object) -> None:
        if next(statements) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", kill)
    event.listen(Engine, "commit", kill)
