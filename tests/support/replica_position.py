"""Waiting until a replica in a guest has applied all transactions of its source."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tests.support.guest_cloud import GuestCloud

WAIT_S = 5
"""Of one statement, which is well below the time limit of a guest's connection."""
CATCH_UP_TIMEOUT_S = 180.0
LOG_LENGTH = 4000


@dataclass(frozen=True, slots=True)
class PositionQueries:
    """SQL expressions for the source's GTID position, and for waiting until a replica has applied it (then 0)."""

    position: str
    wait: str


MARIADB = PositionQueries("@@gtid_binlog_pos", "MASTER_GTID_WAIT('{}', {})")
MYSQL = PositionQueries("@@gtid_executed", "WAIT_FOR_EXECUTED_GTID_SET('{}', {})")


def wait_for_replica(
    cloud: GuestCloud, source: str, replica: str, queries: PositionQueries = MARIADB
) -> None:
    """Wait until this guest has applied what the source has now; fail with its status and its agent's log."""
    position = cloud.query_value(source, queries.position)
    deadline = time.monotonic() + CATCH_UP_TIMEOUT_S
    while (outcome := cloud.query_value(replica, queries.wait.format(position, WAIT_S))) != "0":
        assert time.monotonic() < deadline, (
            f"{replica} has not applied {position} (answer {outcome}): "
            f"{cloud.execute(replica, 'SHOW REPLICA STATUS')}, "
            f"its agent's log ends with {cloud.read_log(replica)[-LOG_LENGTH:]}"
        )
