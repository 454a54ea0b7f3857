"""The journal on the disk: two copies with a checksum each, so that one remains if the disk damages the other.

Every change writes and syncs both before it counts. A kill between the two leaves the first one newer; the higher
sequence number counts. The copies differ in their first bytes, so that a file system that deduplicates blocks stores
both.
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
"""All keys of the versions without a second copy. A file with any other key must have a checksum."""

ENVELOPE_KEYS = frozenset({"sequence", "checksum", "copy"})
"""The keys that this module adds to those of the journal."""

FORMER_PREFIX = "former-"
"""The prefix of a kept file that no longer keeps the agent from working."""


@dataclass(frozen=True, slots=True)
class _Copy(Generic[T]):
    """One copy: its value and sequence number, or the reason why it is unreadable; neither if there is no such file."""

    path: Path
    value: T | None = None
    sequence: int = 0
    is_unchecked: bool = False
    unreadable_reason: str = ""


class JournalFile(Generic[T]):
    """Both copies of the journal. The constructor reads them and changes nothing, because `plan` and `doctor` use it.

    `value` is the content, or None if there is no journal or no readable one.
    """

    def __init__(self, path: Path, parse: Callable[[Mapping[str, object]], T]) -> None:
        """Read the journal. `path` is that of the first copy.

        `parse` may raise KeyError, TypeError and ValueError. Raises StorageError if this user may not read the file.
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
        """Whether both copies exist and are equal, or neither exists."""
        return self._is_whole or not any(
            copy.value is not None or copy.unreadable_reason for copy in self._copies
        )

    @property
    def loss(self) -> str:
        """The unreadable files of a lost journal; "" if there is a journal, or never was one.

        A kept file counts as a loss until a person releases it.
        """
        if kept_files := self.list_kept_files():
            return ", ".join(str(path) for path in kept_files)
        unreadable = [
            f"{copy.path} ({copy.unreadable_reason})" for copy in self._copies if copy.unreadable_reason
        ]
        return ", ".join(unreadable) if self._is_new else ""

    def list_kept_files(self) -> tuple[Path, ...]:
        """Return the files that were kept because neither copy could be read, the oldest first."""
        paths = [
            path for copy in self._copies for path in list_quarantined_files(self._folder, copy.path.name)
        ]
        return tuple(sorted(paths))

    def write(self, content: Mapping[str, object]) -> None:
        """Replace both copies. Both are on the disk when this returns, or StorageError is raised.

        An unreadable copy is renamed and kept. If the other one is readable, nothing is lost.
        """
        for copy in self._copies:
            if copy.unreadable_reason:
                quarantine_file(copy.path, copy.unreadable_reason, "" if self._is_new else FORMER_PREFIX)
        empty_copies: tuple[_Copy[T], ...] = tuple(_Copy(copy.path) for copy in self._copies)
        self._copies = empty_copies
        sequence = self._sequence + 1
        first, second = (copy.path for copy in self._copies)
        numbered = {"sequence": sequence, **content}
        atomic_file.write_files(
            {first: _add_checksum(numbered), second: _add_checksum({"copy": 2, **numbered})}
        )
        self._sequence, self._is_whole, self._is_new = sequence, True, False

    def release_kept_files(self) -> None:
        """Rename the kept files, so that they no longer count as a loss of the journal."""
        for path in self.list_kept_files():
            atomic_file.rename_file(path, path.with_name(f"{FORMER_PREFIX}{path.name}"))


def _add_checksum(content: Mapping[str, object]) -> bytes:
    return json.dumps({**content, "checksum": _compute_checksum(content)}).encode()


def _compute_checksum(content: Mapping[str, object]) -> str:
    canonical = json.dumps(
        {key: value for key, value in content.items() if key != "checksum"}, sort_keys=True
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def _read_copy(path: Path, parse: Callable[[Mapping[str, object]], T]) -> _Copy[T]:
    try:
        content = parse_file(path, _parse_checked)
        if content is None:
            return _Copy(path)
        if "checksum" not in content and path.name in JOURNAL_FILES[1:]:
            raise UnreadableContent("without its checksum")
        value = parse({key: value for key, value in content.items() if key not in ENVELOPE_KEYS})
    except UnreadableContent as error:
        return _Copy(path, unreadable_reason=str(error))
    except (KeyError, TypeError, ValueError):
        return _Copy(path, unreadable_reason="not a journal")
    sequence = content.get("sequence", 0)
    return _Copy(path, value, sequence if isinstance(sequence, int) else 0, "checksum" not in content)


def _parse_checked(content: bytes) -> Mapping[str, object]:
    data = parse_object(content, VERSION)
    if "checksum" not in data:
        if not data.keys() <= UNCHECKED_KEYS:
            raise UnreadableContent("without its checksum")
    elif data["checksum"] != _compute_checksum(data):
        raise UnreadableContent("another checksum than its own")
    return data
