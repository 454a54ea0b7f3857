"""Programs that are run to their end: what they write, how long they may take, and those that stop on the way."""

from __future__ import annotations

import pytest

from guestagent.embedded.host.commands import run_command
from guestagent.errors import DeadlineExceeded, UnsupportedEnvironment

LONG_INPUT = "x" * 1_000_000


def test_a_program_gets_its_input_and_its_output_is_returned() -> None:
    completed = run_command(("sh", "-c", "cat; echo wrong >&2; exit 3"), stdin=LONG_INPUT)

    assert (completed.returncode, completed.stdout, completed.stderr) == (3, LONG_INPUT, "wrong\n")


def test_a_program_that_stops_itself_goes_on() -> None:
    completed = run_command(("sh", "-c", "kill -STOP $$; cat; echo on"), stdin=LONG_INPUT, timeout=50)

    assert completed.returncode == 0
    assert completed.stdout == f"{LONG_INPUT}on\n"


def test_a_program_without_end_is_killed() -> None:
    with pytest.raises(DeadlineExceeded, match=r"sleep did not end within 1.5 s"):
        run_command(("sleep", "600"), timeout=1.5)


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(UnsupportedEnvironment, match="no-such-program is missing on this machine"):
        run_command(("no-such-program",))
