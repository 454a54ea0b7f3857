"""What an operator marked on purpose: while it stands, passes look and report, and change nothing."""

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
    """Who paused the agent, when (UTC, ISO 8601) and why ("" where no reason was given)."""

    by: str
    since: str
    reason: str = ""

    def __str__(self) -> str:
        said = f"paused by {self.by} at {self.since}"
        return f"{said}: {self.reason}" if self.reason else said


UNREADABLE_PAUSE = Pause(
    "somebody", "an unknown time", f"{PAUSE_FILE} cannot be read as a pause of this version"
)
"""A mark that is torn or of another version still is one: nothing is repaired that somebody may be working on."""


def write_pause(state: Path, mark: Pause) -> None:
    """Keep the mark, in place of an earlier one. On the disk before this returns; StorageError otherwise."""
    atomic_file.write_file(
        state / PAUSE_FILE, json.dumps({"version": PAUSE_VERSION, **asdict(mark)}).encode()
    )


def read_pause(state: Path) -> Pause | None:
    """The mark that stands, None where there is none."""
    try:
        return parse_file(state / PAUSE_FILE, _parse_mark)
    except (StorageError, UnreadableContent):
        return UNREADABLE_PAUSE


def remove_pause(state: Path) -> Pause | None:
    """Take the mark away; the one that stood."""
    stood = read_pause(state)
    atomic_file.remove_file(state / PAUSE_FILE)
    return stood


def add_pause_condition(readiness: Readiness, mark: Pause, withheld: Sequence[object]) -> Readiness:
    """What was found, and the pause: it comes first where something waits for its end."""
    if not withheld:
        condition = Condition("paused", ConditionState.HELD, "nothing to do", str(mark))
    else:
        wanted = f"the agent to {', '.join(str(step) for step in withheld)}"
        condition = Condition("paused", ConditionState.PENDING, wanted, str(mark), RESUME_ADVICE)
    return Readiness.from_conditions(condition, *readiness.conditions)


def _parse_mark(content: bytes) -> Pause:
    data = parse_object(content, PAUSE_VERSION)
    return Pause(get_text(data, "by"), get_text(data, "since"), get_text(data, "reason"))
