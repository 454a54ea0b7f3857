"""An agent that is killed at a chosen write of its journal.

Run it as `python -m tests.support.agent_killed_at_journal_write CONFIG METADATA BOUNDARY`.

The boundaries are before and after each write. The exit code is 0 if the pass has fewer.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from guestagent.agent import settings, wiring
from guestagent.agent.apply import build_reconciler
from guestagent.agent.journal import Journal
from guestagent.agent.journal_state import JournalState
from guestagent.metadata import documents, parse
from guestagent.retry import SystemClock


class KillingJournal(Journal):
    """A journal that kills its agent at the given boundary."""

    remaining_boundaries = 0

    def _write(self, state: JournalState) -> None:
        if state == self._stored_state:
            return
        self._pass_boundary()
        super()._write(state)
        self._pass_boundary()

    def _pass_boundary(self) -> None:
        if self.remaining_boundaries == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.remaining_boundaries -= 1


def main(config: str, metadata: str, boundary: str) -> None:
    [(_, values)] = documents(Path(metadata).read_text(), metadata)
    document, own_settings, clock = parse(values), settings.load_settings(Path(config)), SystemClock()
    journal = KillingJournal(own_settings.state_folder / "journal.json", clock)
    journal.remaining_boundaries = int(boundary)
    dependencies = replace(wiring.build_dependencies(own_settings, clock), journal=journal)
    build_reconciler(document, dependencies).run_pass()


if __name__ == "__main__":
    main(*sys.argv[1:])
