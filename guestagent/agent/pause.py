"""The pause of an operator: during a pause, passes observe and report, and change nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from guestagent import atomic_file
from guestagent.agent.model import Condition, ConditionState, Readiness
from guestagent.errors import StorageError
from guestagent.strict_json import UnreadableContent, get_text, parse_object
from guestagent.unreadable_file import parse_file

PAUSE_VERSION = 1
PAUSE_FILE = "paused.json"
RESUME_ADVICE = "run `guestagent resume` when the work on the node is done"


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause by a user, since a time (UTC, ISO 8601), for a reason that may be empty."""

    by: str
    since: str
    reason: str = ""

    def __str__(self) -> str:
        text = f"paused by {self.by} at {self.since}"
        return f"{text}: {self.reason}" if self.reason else text


UNREADABLE_PAUSE = Pause(
    "somebody", "an unknown time", f"{PAUSE_FILE} cannot be read as a pause of this version"
)
"""The pause of a torn file, or one of another version: nothing is repaired that an operator may be working on."""


def write_pause(state_folder: Path, pause: Pause) -> None:
    """Write the pause, in place of an earlier one. It is on the disk when this returns; StorageError otherwise."""
    content = {"version": PAUSE_VERSION, **asdict(pause)}
    atomic_file.write_file(state_folder / PAUSE_FILE, json.dumps(content).encode())


def read_pause(state_folder: Path) -> Pause | None:
    """Read the present pause, None if there is none."""
    try:
        return parse_file(state_folder / PAUSE_FILE, _parse_pause)
    except (StorageError, UnreadableContent):
        return UNREADABLE_PAUSE


def remove_pause(state_folder: Path) -> Pause | None:
    """Remove the pause, and return it."""
    pause = read_pause(state_folder)
    atomic_file.remove_file(state_folder / PAUSE_FILE)
    return pause


def add_pause_condition(
    readiness: Readiness, pause: Pause | None, withheld: Sequence[object] = ()
) -> Readiness:
    """Add the condition of the pause, if there is one. It comes first if steps are withheld."""
    if pause is None:
        return readiness
    if not withheld:
        condition = Condition("paused", ConditionState.HELD, "nothing to do", str(pause))
    else:
        expected = f"the agent to {', '.join(str(step) for step in withheld)}"
        condition = Condition("paused", ConditionState.PENDING, expected, str(pause), RESUME_ADVICE)
    return Readiness.from_conditions(condition, *readiness.conditions)


def _parse_pause(content: bytes) -> Pause:
    data = parse_object(content, PAUSE_VERSION)
    return Pause(get_text(data, "by"), get_text(data, "since"), get_text(data, "reason"))
