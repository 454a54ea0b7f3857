"""What an operator marked on purpose: while it stands, passes look and report, and change nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from guestagent import durable
from guestagent.agent.model import Agreement, Condition, Readiness
from guestagent.errors import StorageError
from guestagent.strict_json import Unreadable, get_text, parse_object
from guestagent.unreadable_file import read_file

VERSION = 1
FILE = "paused.json"
RESUME = "run `guestagent resume` when the work on the node is done"


@dataclass(frozen=True, slots=True)
class Pause:
    """Who paused the agent, when (UTC, ISO 8601) and why ("" where no reason was given)."""

    by: str
    since: str
    reason: str = ""

    def __str__(self) -> str:
        said = f"paused by {self.by} at {self.since}"
        return f"{said}: {self.reason}" if self.reason else said


UNREADABLE = Pause("somebody", "an unknown time", f"{FILE} cannot be read as a pause of this version")
"""A mark that is torn or of another version still is one: nothing is repaired that somebody may be working on."""


def pause(state: Path, mark: Pause) -> None:
    """Keep the mark, in place of an earlier one. On the disk before this returns; StorageError otherwise."""
    durable.write(state / FILE, json.dumps({"version": VERSION, **asdict(mark)}).encode())


def paused(state: Path) -> Pause | None:
    """The mark that stands, None where there is none."""
    try:
        return read_file(state / FILE, _parse_mark)
    except (StorageError, Unreadable):
        return UNREADABLE


def resume(state: Path) -> Pause | None:
    """Take the mark away; the one that stood."""
    stood = paused(state)
    durable.remove(state / FILE)
    return stood


def withholding(readiness: Readiness, mark: Pause, withheld: Sequence[object]) -> Readiness:
    """What was found, and the pause: it comes first where something waits for its end."""
    if not withheld:
        condition = Condition("paused", Agreement.HELD, "nothing to do", str(mark))
    else:
        wanted = f"the agent to {', '.join(str(step) for step in withheld)}"
        condition = Condition("paused", Agreement.PENDING, wanted, str(mark), RESUME)
    return Readiness.of(condition, *readiness.conditions)


def _parse_mark(content: bytes) -> Pause:
    data = parse_object(content, VERSION)
    return Pause(get_text(data, "by"), get_text(data, "since"), get_text(data, "reason"))
