"""An agent that is killed at a chosen boundary.

Run it as `python -m tests.support.agent_killed_at_step CONFIG METADATA BOUNDARY`.

The boundaries are before and after each step's effect; exits 0 where the pass has fewer.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from guestagent.agent import settings, wiring
from guestagent.agent.apply import build_reconciler
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.protocols import Database
from guestagent.database.state import ServerState
from guestagent.database.steps import Step
from guestagent.metadata import documents, parse
from guestagent.retry import SystemClock


class KillingDatabase:
    """A database whose agent dies by SIGKILL at the given boundary."""

    def __init__(self, database: Database, boundary: int) -> None:
        self.dialect, self._database, self._left = database.dialect, database, boundary

    def observe(self) -> ServerState:
        return self._database.observe()

    def read_variables(self, names: Collection[str]) -> Mapping[str, str]:
        return self._database.read_variables(names)

    def wait_for_history(self, history: GtidHistory, seconds: float) -> None:
        self._database.wait_for_history(history, seconds)

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
    edges = wiring.build_dependencies(settings.load_settings(Path(config)), SystemClock())
    dying = replace(edges, open_database=lambda: KillingDatabase(edges.open_database(), int(boundary)))
    build_reconciler(document, dying).run_pass()


if __name__ == "__main__":
    main(*sys.argv[1:])
