"""Spools in a folder, and signals of an older and a newer handle."""

from __future__ import annotations

from pathlib import Path

from guestagent.signal import Spool
from tests.support.signal_handles import URL, add_minutes

OLDER, NEWER = URL.replace("Handle", "Handle1"), URL.replace("Handle", "Handle2")
AT = "2026-11-23T18:05:00+00:00"


def open_spool(folder: Path) -> Spool:
    return Spool(folder, get_now=lambda: add_minutes(5))
