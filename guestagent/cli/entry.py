"""Where the program begins: `poke` wakes the agent first, and whatever costs time is imported after that."""

from __future__ import annotations

import sys


def main() -> int:
    """Run one command and return its exit code."""
    if sys.argv[1:] == ["poke"]:
        from guestagent.agent.wakeup_pipe import send_early_wakeup

        send_early_wakeup()
    from guestagent.cli.command_line import main as run

    return run()
