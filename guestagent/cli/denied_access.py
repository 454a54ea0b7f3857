"""Commands that root runs, run by another user: one error for all of them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from guestagent.errors import GuestAgentError, StorageError, UnsupportedEnvironment

ROOT_COMMANDS = frozenset(
    {
        *("status", "doctor", "plan", "apply", "serve", "poke", "pause", "resume", "accept-source", "volume"),
        *("identity", "cloud", "demo"),
    }
)
"""The commands of a node, whose files are root's, and those that run guests."""


def find_denied_access(
    error: GuestAgentError | OSError, arguments: Sequence[str]
) -> UnsupportedEnvironment | None:
    """Return the error of a command that lacks root's permissions; None if `error` has another cause."""
    if os.geteuid() == 0 or not arguments or arguments[0] not in ROOT_COMMANDS:
        return None
    cause = error.__cause__ if isinstance(error, StorageError) else error
    if not isinstance(cause, PermissionError):
        return None
    detail = str(error) if isinstance(error, StorageError) else f"{cause.filename}: {cause.strerror}"
    return UnsupportedEnvironment(f"`guestagent {arguments[0]}` needs root here: run it as root ({detail})")
