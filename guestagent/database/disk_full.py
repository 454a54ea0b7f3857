"""A full disk of a database server: the errors, the texts and the states that show it. Pure."""

from __future__ import annotations

from guestagent.database.error_diagnosis import FAIL, RETRY, build_rule
from guestagent.database.state import ServerError

DISK_FULL = "the disk is full"
FREE_SPACE = "free space, or give the node a larger volume"
SERVER_WAITS_FOR_SPACE = "the disk is full: the server waits for someone to free space"

ER_DISK_FULL = 1021
FILE_WRITE_ERRORS = (3, 1004, 1005, 1026, 1030, 1180, 1598, 3501)
"""Numbers under which the servers report errors of the file system."""
NO_SPACE_TEXTS = ("no space left", "errcode: 28", "errcode 28", "errno: 28", "error 28")
MARIADB_NO_SPACE_STATE = "Waiting for someone to free space"
"""The state of a session in MariaDB's process list."""
MYSQL_NO_SPACE_STATE = "Waiting for disk space"
"""Part of the state of a MySQL receiver, which shows no error without disk space."""

DISK_RULES = (
    build_rule(FAIL, ER_DISK_FULL, meaning=DISK_FULL, advice=FREE_SPACE),
    build_rule(FAIL, 3, 1026, text="errcode: 28", meaning=DISK_FULL, advice=FREE_SPACE),
)
"""Of a channel that has stopped."""
SPACE_RULES = (
    build_rule(RETRY, ER_DISK_FULL, 3675, meaning=DISK_FULL, advice=FREE_SPACE),
    *(
        build_rule(RETRY, *FILE_WRITE_ERRORS, text=text, meaning=DISK_FULL, advice=FREE_SPACE)
        for text in NO_SPACE_TEXTS
    ),
    build_rule(RETRY, 1114, meaning="a table or the disk is full", advice=FREE_SPACE),
)
"""Of a statement that the local server rejects."""


def find_disk_full_error(receiver_state: str | None) -> ServerError | None:
    """Return the error that a MySQL receiver in this state should show, None if it does not wait for disk space."""
    state = receiver_state or ""
    return ServerError(ER_DISK_FULL, state) if MYSQL_NO_SPACE_STATE in state else None
