"""When MySQL's binary log says that transactions were made: asked for as a replica asks, and read from the events."""

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
"""Flags, uuid, number, and the two counters of the parallel applier stand before the times."""

ORIGINAL_TIME_FLAG = 1 << 55
OPERATION = "reading the binary log"
SET_DUMP_VARIABLES = sql(
    "SET @source_binlog_checksum = 'NONE', @master_binlog_checksum = 'NONE',"
    " @source_heartbeat_period = 1000000000, @master_heartbeat_period = 1000000000"
)


def read_timestamps(
    connection: Connection, since: GtidHistory, until: GtidHistory, without: GtidHistory | None = None
) -> Iterator[tuple[str, int]]:
    """Yield each GTID from the newest ones of `since` on to those of `until`, with the time at which it was made.

    The time (in microseconds) is that of the first commit, which travels with the transaction: every server that has
    it logs the same. ValueError if there are GTIDs with tags, which the request spells differently.
    """
    if not isinstance(since, MysqlHistory) or not isinstance(until, MysqlHistory):
        return
    wanted, held = select_gtids(since, until), read_history(connection)
    if isinstance(without, MysqlHistory):
        wanted = wanted.subtract(without)
    if any(tag for _, tag in held.intervals):
        raise ValueError("there are GTIDs with tags, whose binary log the agent does not read")
    if wanted.is_empty:
        return
    connection.fetch_rows(SET_DUMP_VARIABLES, OPERATION)
    left = sum(last - first + 1 for each in wanted.intervals.values() for first, last in each)
    for event in connection.dump_binlog(
        COM_BINLOG_DUMP_GTID, build_request(held.subtract(wanted)), OPERATION
    ):
        stamp = parse_gtid_event(event)
        if stamp is None:
            continue
        yield stamp
        left -= 1
        if not left:
            return


def select_gtids(since: MysqlHistory, until: MysqlHistory) -> MysqlHistory:
    """Return what `until` has from the newest number of each origin of `since` on."""
    found: dict[Origin, tuple[Interval, ...]] = {}
    for origin, each in since.intervals.items():
        start = each[-1][1]
        found[origin] = tuple((max(a, start), b) for a, b in until.intervals.get(origin, ()) if b >= start)
    return MysqlHistory({origin: each for origin, each in found.items() if each})


def build_request(without: MysqlHistory) -> bytes:
    """Build the request of a replica that has all of `without` and wants what else there is, up to the end."""
    data = encode_set({uuid: each for (uuid, _), each in without.intervals.items()})
    return struct.pack("<HIIQI", NON_BLOCK | THROUGH_GTID, 0, 0, 4, len(data)) + data


def encode_set(intervals: Mapping[str, tuple[Interval, ...]]) -> bytes:
    """Encode a GTID set as the protocol has it: an interval ends before its second number."""
    words = [struct.pack("<Q", len(intervals))]
    for uuid, each in sorted(intervals.items()):
        words += [UUID(uuid).bytes, struct.pack("<Q", len(each))]
        words += [struct.pack("<QQ", first, last + 1) for first, last in each]
    return b"".join(words)


def parse_gtid_event(event: bytes) -> tuple[str, int] | None:
    """Read a GTID and the time of its first commit; None for other events. ValueError for what is no event."""
    if len(event) < HEADER_SIZE:
        raise ValueError("no event of a binary log")
    if event[4] != GTID_EVENT:
        return None
    body = event[HEADER_SIZE:]
    times = body[TIMES_OFFSET : TIMES_OFFSET + 14]
    if len(times) < 14:
        raise ValueError("a GTID without its time")
    uuid, number = UUID(bytes=body[1:17]), int.from_bytes(body[17:25], "little")
    here = int.from_bytes(times[:7], "little")
    first = int.from_bytes(times[7:], "little") if here & ORIGINAL_TIME_FLAG else here
    return f"{uuid}:{number}", first
