"""When MariaDB's binary log says that transactions were made: asked for as a replica asks, and read from the events."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from guestagent.database.connection import Connection
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.mariadb.server_state import read_positions
from guestagent.database.sql_statement import sql

COM_BINLOG_DUMP = 0x12
NON_BLOCK = 1
GTID_EVENT = 162
STATEMENT_EVENTS = frozenset({2, 19, 165})
"""A statement, the table of the rows that follow, and a compressed statement."""

Gtid = tuple[int, int, int]
"""Domain, server id, number."""

HEADER_FORMAT = struct.Struct("<IBIIIH")
GTID_FORMAT = struct.Struct("<QI")
OPERATION = "reading the binary log"


def read_timestamps(
    connection: Connection, since: GtidHistory, until: GtidHistory, without: GtidHistory | None = None
) -> Iterator[tuple[str, int]]:
    """Yield each GTID from the newest ones of `since` on to those of `until`, with the time at which it was made.

    The time (in seconds) travels with the transaction, so every server that has it logs the same. Each domain begins at
    the number before, which must be in the log: DatabaseRefused if it is not. A domain of which `without` has come
    further begins after that.
    """
    if not isinstance(since, MariadbHistory) or not isinstance(until, MariadbHistory):
        return
    passed = without if isinstance(without, MariadbHistory) else MariadbHistory()
    open_domains = find_unfinished_domains(since, until, passed)
    if not open_domains:
        return
    start = find_start_position(since, read_positions(connection).history, passed)
    ask = sql(
        "SET @mariadb_slave_capability = 4, @master_binlog_checksum = 'NONE', @slave_connect_state = {},"
        " @slave_gtid_strict_mode = 0, @slave_gtid_ignore_duplicates = 0, @master_heartbeat_period = 1000000000",
        str(start),
    )
    connection.fetch_rows(ask, OPERATION)
    for (domain, server, number), made in pair_timestamps(
        connection.dump_binlog(COM_BINLOG_DUMP, struct.pack("<IHI", 4, NON_BLOCK, 0), OPERATION)
    ):
        yield f"{domain}-{server}-{number}", made
        if number >= open_domains.get(domain, number + 1):
            del open_domains[domain]
        if not open_domains:
            return


def pair_timestamps(events: Iterable[bytes]) -> Iterator[tuple[Gtid, int]]:
    """Yield each GTID with the time of its transaction's first statement.

    The GTID's own time is no help: a source notes when it committed, and a replica when it logged the last statement.
    """
    gtid: Gtid | None = None
    for event in events:
        kind, made = parse_header(event)
        if kind == GTID_EVENT:
            gtid = parse_gtid(event)
        elif gtid is not None and kind in STATEMENT_EVENTS:
            yield gtid, made
            gtid = None


def find_unfinished_domains(
    since: MariadbHistory, until: MariadbHistory, passed: MariadbHistory
) -> dict[int, int]:
    """Return the number at which each domain of `since` ends in `until`, without those that have passed it."""
    return {
        domain: number
        for domain, number in until.domain_positions.items()
        if domain in since.domain_positions and number > passed.domain_positions.get(domain, 0)
    }


def find_start_position(
    since: MariadbHistory, held: MariadbHistory, passed: MariadbHistory
) -> MariadbHistory:
    """Return the position from which the log is sent: before the newest ones of `since`, else at the end.

    If a domain has `passed` its newest one, the log of this domain is sent from there.
    """
    wanted = since.newest_by_domain.sequence_numbers
    domains = {domain for domain, _ in wanted}
    rest = {
        key: number for key, number in held.newest_by_domain.sequence_numbers.items() if key[0] not in domains
    }
    further = {
        key: number
        for key, number in passed.newest_by_domain.sequence_numbers.items()
        if number >= since.domain_positions.get(key[0], number + 1)
    }
    begun = {domain for domain, _ in further}
    first = {key: number - 1 for key, number in wanted.items() if number > 1 and key[0] not in begun}
    return MariadbHistory({**rest, **first, **further})


def parse_header(event: bytes) -> tuple[int, int]:
    """Read the kind of an event and its time. ValueError for what is no event."""
    if len(event) < HEADER_FORMAT.size:
        raise ValueError("no event of a binary log")
    made, kind, *_ = HEADER_FORMAT.unpack_from(event)
    return kind, made


def parse_gtid(event: bytes) -> Gtid:
    """Read domain, server id and number. ValueError for an event that is cut off."""
    if len(event) < HEADER_FORMAT.size + GTID_FORMAT.size:
        raise ValueError("a GTID that is cut off")
    server = HEADER_FORMAT.unpack_from(event)[2]
    number, domain = GTID_FORMAT.unpack_from(event, HEADER_FORMAT.size)
    return domain, server, number
