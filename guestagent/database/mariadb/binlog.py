"""Times of transactions in MariaDB's binary log, which is requested with a replica's protocol command."""

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
    connection: Connection, since: GtidHistory, until: GtidHistory, excluded: GtidHistory | None = None
) -> Iterator[tuple[str, int]]:
    """Yield each GTID from the newest ones of `since` up to those of `until`, with the time of its transaction.

    The time (in seconds) is replicated with the transaction, so all servers log the same time. The request for each
    domain names the number before, which must be in the log: DatabaseRefused if it is not. If `excluded` is ahead in a
    domain, the domain begins after that.
    """
    if not isinstance(since, MariadbHistory) or not isinstance(until, MariadbHistory):
        return
    compared = excluded if isinstance(excluded, MariadbHistory) else MariadbHistory()
    last_numbers = find_last_numbers(since, until, compared)
    if not last_numbers:
        return
    start = find_start_position(since, read_positions(connection).history, compared)
    request = sql(
        "SET @mariadb_slave_capability = 4, @master_binlog_checksum = 'NONE', @slave_connect_state = {},"
        " @slave_gtid_strict_mode = 0, @slave_gtid_ignore_duplicates = 0, @master_heartbeat_period = 1000000000",
        str(start),
    )
    connection.fetch_rows(request, OPERATION)
    for (domain, server, number), timestamp in pair_timestamps(
        connection.dump_binlog(COM_BINLOG_DUMP, struct.pack("<IHI", 4, NON_BLOCK, 0), OPERATION)
    ):
        yield f"{domain}-{server}-{number}", timestamp
        if number >= last_numbers.get(domain, number + 1):
            del last_numbers[domain]
        if not last_numbers:
            return


def pair_timestamps(events: Iterable[bytes]) -> Iterator[tuple[Gtid, int]]:
    """Yield each GTID with the time of its transaction's first statement.

    The time of the GTID event differs: for a source it is the commit, for a replica the logging of the last statement.
    """
    gtid: Gtid | None = None
    for event in events:
        kind, timestamp = parse_header(event)
        if kind == GTID_EVENT:
            gtid = parse_gtid(event)
        elif gtid is not None and kind in STATEMENT_EVENTS:
            yield gtid, timestamp
            gtid = None


def find_last_numbers(
    since: MariadbHistory, until: MariadbHistory, compared: MariadbHistory
) -> dict[int, int]:
    """Return the last number in `until` of each domain of `since`, without domains that are compared up to there."""
    return {
        domain: number
        for domain, number in until.domain_positions.items()
        if domain in since.domain_positions and number > compared.domain_positions.get(domain, 0)
    }


def find_start_position(
    since: MariadbHistory, executed: MariadbHistory, compared: MariadbHistory
) -> MariadbHistory:
    """Return the position to request: before the newest GTIDs of `since`, and the end in other domains.

    If a domain is `compared` beyond its newest GTID, the log of this domain is requested from there.
    """
    newest = since.newest_by_domain.sequence_numbers
    domains = {domain for domain, _ in newest}
    other_domains = {
        key: number
        for key, number in executed.newest_by_domain.sequence_numbers.items()
        if key[0] not in domains
    }
    continued = {
        key: number
        for key, number in compared.newest_by_domain.sequence_numbers.items()
        if number >= since.domain_positions.get(key[0], number + 1)
    }
    continued_domains = {domain for domain, _ in continued}
    preceding = {
        key: number - 1 for key, number in newest.items() if number > 1 and key[0] not in continued_domains
    }
    return MariadbHistory({**other_domains, **preceding, **continued})


def parse_header(event: bytes) -> tuple[int, int]:
    """Read the type of an event and its time. ValueError if the event is malformed."""
    if len(event) < HEADER_FORMAT.size:
        raise ValueError("not an event of a binary log")
    timestamp, kind, *_ = HEADER_FORMAT.unpack_from(event)
    return kind, timestamp


def parse_gtid(event: bytes) -> Gtid:
    """Read domain, server id and number. ValueError for a truncated event."""
    if len(event) < HEADER_FORMAT.size + GTID_FORMAT.size:
        raise ValueError("a truncated GTID event")
    server = HEADER_FORMAT.unpack_from(event)[2]
    number, domain = GTID_FORMAT.unpack_from(event, HEADER_FORMAT.size)
    return domain, server, number
