"""An agent that dies as it writes its journal.

Run it as `python -m tests.support.agent_killed_at_journal_write CONFIG METADATA BOUNDARY`.

The boundaries are before and after each write; exits 0 if the pass has fewer.
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
    """A journal whose agent dies by SIGKILL at the given boundary."""

    remaining_boundaries = 0

    def _write(self, state: JournalState) -> None:
        if state == self._stored_state:
            return
        self._boundary()
        super()._write(state)
        self._boundary()

    def _boundary(self) -> None:
        if self.remaining_boundaries == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.remaining_boundaries -= 1


def main(config: str, metadata: str, boundary: str) -> None:
    [(_, found)] = documents(Path(metadata).read_text(), metadata)
    document, here, clock = parse(found), settings.load_settings(Path(config)), SystemClock()
    journal = KillingJournal(here.state_folder / "journal.json", clock)
    journal.remaining_boundaries = int(boundary)
    edges = replace(wiring.build_dependencies(here, clock), journal=journal)
    build_reconciler(document, edges).run_pass()


if __name__ == "__main__":
    main(*sys.argv[1:])
