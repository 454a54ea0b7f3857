"""The journal of a data directory's replacement: how far it is, and what the directory was like."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from guestagent import atomic_file
from guestagent.strict_json import UnreadableContent, get_number, get_text, parse_object
from guestagent.unreadable_file import parse_file

JOURNAL_VERSION = 1


class SwapStage(str, Enum):
    """What the data directory has.

    EMPTYING: old entries, and no others. FILLING: new entries, and no others. DONE: all of the new ones.
    """

    EMPTYING = "emptying"
    FILLING = "filling"
    DONE = "done"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class SwapJournal:
    """The stage, and the owner, group and mode of the data directory."""

    stage: SwapStage
    owner: int
    group: int
    mode: int


def read_journal(path: Path) -> SwapJournal | None:
    """Read the journal; None before the first change. Raises UnreadableContent or StorageError."""
    return parse_file(path, _parse_journal)


def write_journal(path: Path, journal: SwapJournal) -> None:
    """Write the journal. It is on the disk when the call returns. Raises StorageError."""
    content = {
        "version": JOURNAL_VERSION,
        "stage": str(journal.stage),
        "owner": journal.owner,
        "group": journal.group,
        "mode": journal.mode,
    }
    atomic_file.write_file(path, json.dumps(content).encode())


def _parse_journal(content: bytes) -> SwapJournal:
    data = parse_object(content, JOURNAL_VERSION)
    owner, group, mode = (int(get_number(data, name)) for name in ("owner", "group", "mode"))
    try:
        return SwapJournal(SwapStage(get_text(data, "stage")), owner, group, mode)
    except ValueError as error:
        raise UnreadableContent(str(error)) from error
