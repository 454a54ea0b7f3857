"""An agent that is killed at a chosen boundary: `python -m tests.integration.dying CONFIG METADATA BOUNDARY`.

The boundaries are before and after each step's effect; exits 0 where the pass has fewer.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from guestagent.agent import parts, settings
from guestagent.agent.foreground import build_reconciler
from guestagent.database.edge import Database
from guestagent.database.gtid import History
from guestagent.database.state import ServerState
from guestagent.database.steps import Step
from guestagent.metadata import documents, parse
from guestagent.retry import SystemClock


class Dying:
    """A database whose agent dies by SIGKILL at the given boundary."""

    def __init__(self, database: Database, boundary: int) -> None:
        self.dialect, self._database, self._left = database.dialect, database, boundary

    def observe(self) -> ServerState:
        return self._database.observe()

    def variables(self, names: Collection[str]) -> Mapping[str, str]:
        return self._database.variables(names)

    def catch_up(self, history: History, seconds: float) -> None:
        self._database.catch_up(history, seconds)

    def apply(self, step: Step) -> None:
        self._boundary()
        self._database.apply(step)
        self._boundary()

    def close(self) -> None:
        self._database.close()

    def _boundary(self) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


def main(config: str, metadata: str, boundary: str) -> None:
    [(_, found)] = documents(Path(metadata).read_text(), metadata)
    document = parse(found)
    edges = parts.edges(settings.load(Path(config)), SystemClock())
    dying = replace(edges, open=lambda: Dying(edges.open(), int(boundary)))
    build_reconciler(document, dying).once()


if __name__ == "__main__":
    main(*sys.argv[1:])
