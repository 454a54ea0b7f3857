"""An agent that is killed before or after a chosen step.

Run it as `python -m tests.support.agent_killed_at_step CONFIG METADATA BOUNDARY`.

The boundaries are before and after the effect of each step. The exit code is 0 if the pass has fewer.
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
    """A database that kills its agent at the given boundary."""

    def __init__(self, database: Database, boundary: int) -> None:
        self.dialect, self._database, self._remaining_boundaries = database.dialect, database, boundary

    def observe(self) -> ServerState:
        return self._database.observe()

    def read_variables(self, names: Collection[str]) -> Mapping[str, str]:
        return self._database.read_variables(names)

    def wait_for_history(self, history: GtidHistory, seconds: float) -> None:
        self._database.wait_for_history(history, seconds)

    def apply(self, step: Step) -> None:
        self._pass_boundary()
        self._database.apply(step)
        self._pass_boundary()

    def close(self) -> None:
        self._database.close()

    def _pass_boundary(self) -> None:
        if self._remaining_boundaries == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._remaining_boundaries -= 1


def main(config: str, metadata: str, boundary: str) -> None:
    [(_, values)] = documents(Path(metadata).read_text(), metadata)
    document = parse(values)
    dependencies = wiring.build_dependencies(settings.load_settings(Path(config)), SystemClock())
    killing_dependencies = replace(
        dependencies, open_database=lambda: KillingDatabase(dependencies.open_database(), int(boundary))
    )
    build_reconciler(document, killing_dependencies).run_pass()


if __name__ == "__main__":
    main(*sys.argv[1:])
