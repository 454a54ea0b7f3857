"""How the files in data/written_by are read, and what each of them must say for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.unit.golden.embedded_files import FAKE_CLOUD, cloud_file
from tests.unit.golden.guest_files import FULL_JOURNAL, journal_file
from tests.unit.golden.people_files import PEOPLE_FILES
from tests.unit.golden.registry import STORED
from tests.unit.golden.signal_files import UNNAMED_TRANSPORT, signal_file
from tests.unit.golden.stored import StoredFile

Read = Callable[[Path, Path], object]
"""Takes the file and an empty folder to work in."""

OLDER: dict[str, StoredFile] = {
    "0.1.0-81a8b4e/journal/full.json": journal_file(
        replace(FULL_JOURNAL, retained=frozenset(), given=frozenset())
    ),
    "0.1.0-b5960f0/journal/full.json": journal_file(replace(FULL_JOURNAL, given=frozenset())),
    "0.1.0-4b77593/signal/accepted-then-given-up-cfn.json": signal_file(UNNAMED_TRANSPORT),
    "0.1.0-7d57819/cloud/fake.json": cloud_file(FAKE_CLOUD),
}
"""Versions whose files lack keys that came later. Every other file says what the same one says today."""


def find_reader(name: str) -> tuple[Read, object]:
    """How an old file is read, and what it must say; KeyError if nothing is known of it."""
    if name in PEOPLE_FILES:
        return PEOPLE_FILES[name]
    stored = OLDER.get(name) or STORED[name.partition("/")[2]]
    return stored.read_copy, stored.value
