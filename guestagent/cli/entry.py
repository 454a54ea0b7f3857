"""The entry point of the program: `poke` wakes the agent before anything is imported that costs time."""

from __future__ import annotations

import sys


def main() -> int:
    """Run one command and return its exit code."""
    if sys.argv[1:] == ["poke"]:
        from guestagent.agent.wakeup_pipe import send_early_wakeup

        send_early_wakeup()
    from guestagent.cli.command_line import main as run

    return run()
