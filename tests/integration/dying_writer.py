"""An agent that dies as it writes its journal: `python -m tests.integration.dying_writer CONFIG METADATA BOUNDARY`.

The boundaries are before and after each write; exits 0 if the pass has fewer.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from guestagent.agent import parts, settings
from guestagent.agent.foreground import build_reconciler
from guestagent.agent.journal import Journal
from guestagent.agent.journal_memory import Memory
from guestagent.metadata import documents, parse
from guestagent.retry import SystemClock


class DyingJournal(Journal):
    """A journal whose agent dies by SIGKILL at the given boundary."""

    left = 0

    def _keep(self, memory: Memory) -> None:
        if memory == self._kept:
            return
        self._boundary()
        super()._keep(memory)
        self._boundary()

    def _boundary(self) -> None:
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1


def main(config: str, metadata: str, boundary: str) -> None:
    [(_, found)] = documents(Path(metadata).read_text(), metadata)
    document, here, clock = parse(found), settings.load(Path(config)), SystemClock()
    journal = DyingJournal(here.state / "journal.json", clock)
    journal.left = int(boundary)
    edges = replace(parts.edges(here, clock), journal=journal)
    build_reconciler(document, edges).once()


if __name__ == "__main__":
    main(*sys.argv[1:])
