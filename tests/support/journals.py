"""Damage to both copies of the agent's journal."""

from __future__ import annotations

from pathlib import Path

from guestagent.agent.journal_file import JOURNAL_FILES, JournalFile


def lose_journal(state: Path) -> None:
    """Remove both copies, as on a new disk."""
    for name in JOURNAL_FILES:
        (state / name).unlink()


def corrupt_journal(state: Path, content: bytes = b"{") -> None:
    """Overwrite both copies."""
    for name in JOURNAL_FILES:
        (state / name).write_bytes(content)


def change_journal(state: Path, **keys: object) -> None:
    """Rewrite the journal with other values."""
    file = JournalFile(state / JOURNAL_FILES[0], dict)
    assert file.value is not None
    file.write({**file.value, **keys})


def is_repaired(state: Path) -> bool:
    """Return whether both copies can be read and are equal."""
    return JournalFile(state / JOURNAL_FILES[0], dict).is_consistent
