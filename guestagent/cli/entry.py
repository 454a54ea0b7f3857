"""The entry point of the program: `poke` and `collect` begin before anything is imported that costs time."""

from __future__ import annotations

import sys


def main() -> int:
    """Run one command and return its exit code."""
    if sys.argv[1:] == ["poke"]:
        from guestagent.agent.wakeup_pipe import send_early_wakeup

        send_early_wakeup()
    if sys.argv[1:] == ["collect"]:
        from guestagent.agent.collector_start import run_collector

        return run_collector()
    try:
        from guestagent.cli.command_line import main as run

        return run()
    except KeyboardInterrupt:  # of Ctrl-C during the imports: from then on the command itself handles it
        from guestagent.errors import EXIT_INTERRUPTED

        sys.stderr.write("guestagent: interrupted\n")
        return EXIT_INTERRUPTED
