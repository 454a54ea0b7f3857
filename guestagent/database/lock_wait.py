"""How long a statement may wait for a lock: behind LOCK TABLES, FLUSH TABLES WITH READ LOCK or a backup. Pure."""

from __future__ import annotations

from guestagent.database.sql_statement import Statement, sql

ACCOUNT_LOCK_TIMEOUT_S = 30.0
"""A statement on an account that waits for the end of a backup (BACKUP STAGE BLOCK_COMMIT) has changed its row and has
not been logged. To end it there leaves an account that no replica knows, so it may wait for this long.
"""


def compute_lock_wait(timeout: float) -> int:
    """Return how many seconds a statement may wait for a lock.

    Less than the timeout of a response: otherwise the statement would wait on after the connection is closed.
    """
    return max(1, int(timeout * 0.8))


def build_lock_wait_statement(timeout: float) -> Statement:
    """Build the statement that lets later ones wait for a lock in a session with this response timeout."""
    return sql(f"SET SESSION lock_wait_timeout = {compute_lock_wait(timeout)}")
