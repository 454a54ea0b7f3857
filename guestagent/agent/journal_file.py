"""The journal's file, in two copies with a checksum each: what the disk garbles in one of them is read from the other.

Both are written at every change, whole and synced, before the change counts. A kill between the two leaves the first
one newer; the higher sequence number counts. The copies differ in their first bytes, so that a file system that stores
equal blocks once keeps both.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from guestagent import atomic_file
from guestagent.strict_json import UnreadableContent, parse_object
from guestagent.unreadable_file import list_quarantined_files, parse_file, quarantine_file

T = TypeVar("T")
JOURNAL_FILES = ("journal.json", "journal-copy.json")
VERSION = 1
UNCHECKED_KEYS = frozenset(
    {"version", "task", "spent", "noted", "boot", "accounts", "channel", "retained", "given"}
)
"""All that versions without a second copy wrote. A file with any other key must have a checksum."""

ENVELOPE_KEYS = frozenset({"sequence", "checksum", "copy"})
"""What this file adds to the journal's own keys."""

FORMER_PREFIX = "former-"
"""Put before the name of a kept file that no longer keeps the agent from working."""


@dataclass(frozen=True, slots=True)
class _Copy(Generic[T]):
    """One copy: its `value` and `sequence`, or `why` it cannot be read; neither if there is no such file."""

    path: Path
    value: T | None = None
    sequence: int = 0
    is_unchecked: bool = False
    why: str = ""


class JournalFile(Generic[T]):
    """Reads once, when it is made, and changes nothing then: `plan` and `doctor` look, too.

    `value` is what was read, None if there is no journal or none that can be read.
    """

    def __init__(self, path: Path, parse: Callable[[Mapping[str, object]], T]) -> None:
        """`path` is the first copy's. `parse` may raise KeyError, TypeError and ValueError. StorageError if this user
        may not read the file.
        """
        self._folder = path.parent
        names = (path.name, *JOURNAL_FILES[1:])
        self._copies = tuple(_read_copy(path.with_name(name), parse) for name in names)
        readable = [copy for copy in self._copies if copy.value is not None]
        newest = max(readable, key=lambda copy: (copy.is_unchecked, copy.sequence), default=None)
        self.value = None if newest is None else newest.value
        self._sequence = max((copy.sequence for copy in readable), default=0)
        self._is_whole = len({copy.sequence for copy in readable}) == 1 and len(readable) == len(self._copies)
        self._is_new = not readable

    @property
    def is_consistent(self) -> bool:
        """Whether both copies are there and alike, or neither is."""
        return self._is_whole or not any(copy.value is not None or copy.why for copy in self._copies)

    @property
    def loss(self) -> str:
        """Which files could not be read, so that nothing is known; "" if there is a journal, or never was one.

        A kept file says so until somebody has looked at it.
        """
        if kept := self.list_kept_files():
            return ", ".join(str(path) for path in kept)
        lost = [f"{copy.path} ({copy.why})" for copy in self._copies if copy.why]
        return ", ".join(lost) if self._is_new else ""

    def list_kept_files(self) -> tuple[Path, ...]:
        """Return the files that were kept because neither copy could be read, the oldest first."""
        kept = [
            path for copy in self._copies for path in list_quarantined_files(self._folder, copy.path.name)
        ]
        return tuple(sorted(kept))

    def write(self, content: Mapping[str, object]) -> None:
        """Replace both copies; both are on the disk when this returns, or StorageError says why not.

        A copy that cannot be read is kept aside. If the other one can be, nothing is lost.
        """
        for copy in self._copies:
            if copy.why:
                quarantine_file(copy.path, copy.why, "" if self._is_new else FORMER_PREFIX)
        empty: tuple[_Copy[T], ...] = tuple(_Copy(copy.path) for copy in self._copies)
        self._copies = empty
        sequence = self._sequence + 1
        first, second = (copy.path for copy in self._copies)
        numbered = {"sequence": sequence, **content}
        atomic_file.write_files({first: _seal(numbered), second: _seal({"copy": 2, **numbered})})
        self._sequence, self._is_whole, self._is_new = sequence, True, False

    def release_kept_files(self) -> None:
        """Rename the kept files, so that they no longer say that the journal is lost."""
        for path in self.list_kept_files():
            atomic_file.rename_file(path, path.with_name(f"{FORMER_PREFIX}{path.name}"))


def _seal(content: Mapping[str, object]) -> bytes:
    return json.dumps({**content, "checksum": _checksum(content)}).encode()


def _checksum(content: Mapping[str, object]) -> str:
    canonical = json.dumps(
        {key: value for key, value in content.items() if key != "checksum"}, sort_keys=True
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def _read_copy(path: Path, parse: Callable[[Mapping[str, object]], T]) -> _Copy[T]:
    try:
        content = parse_file(path, _open_seal)
        if content is None:
            return _Copy(path)
        if "checksum" not in content and path.name in JOURNAL_FILES[1:]:
            raise UnreadableContent("without its checksum")
        value = parse({key: value for key, value in content.items() if key not in ENVELOPE_KEYS})
    except UnreadableContent as error:
        return _Copy(path, why=str(error))
    except (KeyError, TypeError, ValueError):
        return _Copy(path, why="not a journal")
    sequence = content.get("sequence", 0)
    return _Copy(path, value, sequence if isinstance(sequence, int) else 0, "checksum" not in content)


def _open_seal(content: bytes) -> Mapping[str, object]:
    found = parse_object(content, VERSION)
    if "checksum" not in found:
        if not found.keys() <= UNCHECKED_KEYS:
            raise UnreadableContent("without its checksum")
    elif found["checksum"] != _checksum(found):
        raise UnreadableContent("another checksum than its own")
    return found
