"""Advice about quarantined state files."""

from __future__ import annotations

from pathlib import Path

from guestagent.agent.journal_file import JOURNAL_FILES
from guestagent.unreadable_file import QUARANTINE_MARK

STATE_FILE_ADVICE = (
    "check the disk (dmesg, smartctl), look at the file, then remove it: it may hold passwords"
)
JOURNAL_ADVICE = (
    "do not remove it yet: without it the agent starts to work with an empty journal. Follow the advice of the "
    "condition `journal` (docs/how-to/unreadable-journal.md)"
)


def advise_on_kept_file(path: Path) -> str:
    """Return the advice about a kept file. As long as a lost journal exists, the agent changes nothing."""
    return JOURNAL_ADVICE if _get_name(path) in JOURNAL_FILES else STATE_FILE_ADVICE


def describe_kept_file(path: Path) -> str:
    """Describe a kept file for `guestagent status`."""
    return f"{path}: {_get_name(path)} could not be read and was quarantined: {advise_on_kept_file(path)}"


def _get_name(path: Path) -> str:
    return path.name.partition(QUARANTINE_MARK)[0]
