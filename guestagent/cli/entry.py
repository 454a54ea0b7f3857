"""Where the program begins: `poke` wakes the agent first, and whatever costs time is imported after that."""

from __future__ import annotations

import sys


def main() -> int:
    """Run one command and return its exit code."""
    if sys.argv[1:] == ["poke"]:
        from guestagent.agent.bell import ring_early

        ring_early()
    from guestagent.cli.main import main as run

    return run()
