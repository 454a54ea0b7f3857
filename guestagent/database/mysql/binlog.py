"""Times of transactions in MySQL's binary log, which is requested with a replica's protocol command."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from uuid import UUID

from guestagent.database.connection import Connection
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.mysql.gtid import Interval, MysqlHistory, Origin
from guestagent.database.mysql.server_state import read_history
from guestagent.database.sql_statement import sql

COM_BINLOG_DUMP_GTID = 0x1E
NON_BLOCK, THROUGH_GTID = 1, 4
GTID_EVENT = 33
HEADER_SIZE = 19
TIMES_OFFSET = 1 + 16 + 8 + 1 + 16
"""Size of the flags, UUID, number and the two counters of the parallel applier, before the times."""

ORIGINAL_TIME_FLAG = 1 << 55
OPERATION = "reading the binary log"
SET_DUMP_VARIABLES = sql(
    "SET @source_binlog_checksum = 'NONE', @master_binlog_checksum = 'NONE',"
    " @source_heartbeat_period = 1000000000, @master_heartbeat_period = 1000000000"
)


def read_timestamps(
    connection: Connection, since: GtidHistory, until: GtidHistory, excluded: GtidHistory | None = None
) -> Iterator[tuple[str, int]]:
    """Yield each GTID from the newest ones of `since` up to those of `until`, with the time of its transaction.

    The time (in microseconds) is that of the first commit, which is replicated with the transaction: all servers log
    the same time. ValueError if there are tagged GTIDs, which have another format in the request.
    """
    if not isinstance(since, MysqlHistory) or not isinstance(until, MysqlHistory):
        return
    selected, executed = select_gtids(since, until), read_history(connection)
    if isinstance(excluded, MysqlHistory):
        selected = selected.subtract(excluded)
    if any(tag for _, tag in executed.intervals):
        raise ValueError("the agent does not read binary logs with tagged GTIDs")
    if selected.is_empty:
        return
    connection.fetch_rows(SET_DUMP_VARIABLES, OPERATION)
    remaining = sum(
        last - first + 1 for intervals in selected.intervals.values() for first, last in intervals
    )
    for event in connection.dump_binlog(
        COM_BINLOG_DUMP_GTID, build_request(executed.subtract(selected)), OPERATION
    ):
        timestamp = parse_gtid_event(event)
        if timestamp is None:
            continue
        yield timestamp
        remaining -= 1
        if not remaining:
            return


def select_gtids(since: MysqlHistory, until: MysqlHistory) -> MysqlHistory:
    """Return the part of `until` from the newest number of each origin in `since` on."""
    selected: dict[Origin, tuple[Interval, ...]] = {}
    for origin, intervals in since.intervals.items():
        start = intervals[-1][1]
        selected[origin] = tuple(
            (max(first, start), last) for first, last in until.intervals.get(origin, ()) if last >= start
        )
    return MysqlHistory({origin: intervals for origin, intervals in selected.items() if intervals})


def build_request(executed: MysqlHistory) -> bytes:
    """Build the request of a replica that has executed this set, for all other events up to the end of the log."""
    data = encode_set({uuid: intervals for (uuid, _), intervals in executed.intervals.items()})
    return struct.pack("<HIIQI", NON_BLOCK | THROUGH_GTID, 0, 0, 4, len(data)) + data


def encode_set(intervals: Mapping[str, tuple[Interval, ...]]) -> bytes:
    """Encode a GTID set for the protocol, in which the second number of an interval is exclusive."""
    parts = [struct.pack("<Q", len(intervals))]
    for uuid, uuid_intervals in sorted(intervals.items()):
        parts += [UUID(uuid).bytes, struct.pack("<Q", len(uuid_intervals))]
        parts += [struct.pack("<QQ", first, last + 1) for first, last in uuid_intervals]
    return b"".join(parts)


def parse_gtid_event(event: bytes) -> tuple[str, int] | None:
    """Read a GTID and the time of its first commit; None for other events. ValueError if the event is malformed."""
    if len(event) < HEADER_SIZE:
        raise ValueError("not an event of a binary log")
    if event[4] != GTID_EVENT:
        return None
    body = event[HEADER_SIZE:]
    times = body[TIMES_OFFSET : TIMES_OFFSET + 14]
    if len(times) < 14:
        raise ValueError("a GTID event without its time")
    uuid, number = UUID(bytes=body[1:17]), int.from_bytes(body[17:25], "little")
    local_time = int.from_bytes(times[:7], "little")
    is_replicated = local_time & ORIGINAL_TIME_FLAG
    return f"{uuid}:{number}", int.from_bytes(times[7:], "little") if is_replicated else local_time
