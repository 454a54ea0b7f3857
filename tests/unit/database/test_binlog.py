"""Binary logs of two servers: which transactions are requested, and when they were made."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from guestagent.database.binlog_comparison import (
    TRANSACTION_LIMIT,
    BinlogExcerpt,
    ComparisonResult,
    collect_timestamps,
    compare_excerpts,
    find_conflict,
)
from guestagent.database.connection_errors import NoAnswer
from guestagent.database.mariadb import binlog as mariadb
from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.mysql import binlog as mysql
from guestagent.database.mysql.gtid import MysqlHistory

UUID, OTHER = "d65f5052-eb8e-11f1-b92d-de128938fb1b", "4baced90-eb8b-11f1-8d46-7a76920ca021"

# As MariaDB 11.8 sent them: a GTID and a row.
MARIADB_GTID = "62f90b6ba2470000002a000000d507000008000a00000000000000000000000c100d000000003c344774"
MARIADB_TABLE = "60f90b6b13470000002b000000000000000000120000000000010001"
MARIADB_ROW = "61f90b6b17470000002f0000000000000000001200000000000100"
MARIADB_END = "62f90b6b10470000001f0000000000000000005400000000000000"


def mysql_gtid(number: int, here: int, first: int | None = None) -> bytes:
    """A GTID event of MySQL: on a replica its own time comes first, marked, and the first commit's after it."""
    header = b"\0\0\0\0\x21" + bytes(14)
    times = (
        here.to_bytes(7, "little") + bytes(7)
        if first is None
        else (here | mysql.ORIGINAL_TIME_FLAG).to_bytes(7, "little") + first.to_bytes(7, "little")
    )
    return (
        header
        + b"\0"
        + bytes.fromhex(UUID.replace("-", ""))
        + number.to_bytes(8, "little")
        + bytes(17)
        + times
    )


class TestMariadb:
    def test_a_transaction_has_the_time_of_its_first_statement(self) -> None:
        log = [MARIADB_GTID, MARIADB_TABLE, MARIADB_ROW, MARIADB_TABLE, MARIADB_END]

        timestamps = [*mariadb.pair_timestamps(map(bytes.fromhex, [*log, *log]))]

        assert timestamps == [((0, 71, 10), 0x6B0BF960)] * 2

    @pytest.mark.parametrize("event", ["", "62f90b6ba2", MARIADB_GTID[:40]])
    def test_a_truncated_event_is_rejected(self, event: str) -> None:
        with pytest.raises(ValueError, match=r"not an event|truncated"):
            list(mariadb.pair_timestamps([bytes.fromhex(event)]))

    @pytest.mark.parametrize(
        ("since", "executed", "start"),
        [
            ("0-71-9", "0-71-30", "0-71-8"),
            ("0-71-1", "0-71-30", ""),
            ("0-71-9", "0-71-30,5-3-7", "0-71-8,5-3-7"),
            ("0-71-9,5-3-2", "0-71-30,5-3-7", "0-71-8,5-3-1"),
            ("0-71-9", "0-1-30,0-71-12", "0-71-8"),
        ],
    )
    def test_the_log_is_requested_from_the_preceding_transaction(
        self, since: str, executed: str, start: str
    ) -> None:
        position = mariadb.find_start_position(
            MariadbHistory.parse(since), MariadbHistory.parse(executed), MariadbHistory()
        )

        assert str(position) == start

    @pytest.mark.parametrize(
        ("since", "compared", "start"),
        [
            ("0-71-9", "0-71-9", "0-71-9"),
            ("0-71-9", "0-5-12", "0-5-12"),
            ("0-71-9,5-3-4", "0-71-20", "0-71-20,5-3-3"),
        ],
    )
    def test_a_log_is_requested_from_the_end_of_the_last_comparison(
        self, since: str, compared: str, start: str
    ) -> None:
        executed = MariadbHistory.parse("0-71-30,5-3-7")

        position = mariadb.find_start_position(
            MariadbHistory.parse(since), executed, MariadbHistory.parse(compared)
        )

        assert position.contains(MariadbHistory.parse(start))
        assert MariadbHistory.parse(start).contains(position) or "5-3" not in start

    def test_a_domain_that_is_compared_completely_is_not_read_again(self) -> None:
        since, until = MariadbHistory.parse("0-71-9,5-3-4"), MariadbHistory.parse("0-71-30,5-3-7")

        assert mariadb.find_last_numbers(since, until, MariadbHistory.parse("0-71-30")) == {5: 7}


class TestMysql:
    def test_a_transaction_of_the_source_has_the_time_of_its_commit(self) -> None:
        assert mysql.parse_gtid_event(mysql_gtid(10, 1795912119000001)) == (f"{UUID}:10", 1795912119000001)

    def test_a_replicated_transaction_has_the_time_of_its_first_commit(self) -> None:
        assert mysql.parse_gtid_event(mysql_gtid(10, 1795912200000000, 1795912119000001)) == (
            f"{UUID}:10",
            1795912119000001,
        )

    def test_other_events_are_ignored(self) -> None:
        assert mysql.parse_gtid_event(b"\0\0\0\0\x1e" + bytes(40)) is None

    @pytest.mark.parametrize("event", [b"", bytes(10), mysql_gtid(1, 1)[:50]])
    def test_a_truncated_event_is_rejected(self, event: bytes) -> None:
        with pytest.raises(ValueError, match=r"not an event|without its time"):
            mysql.parse_gtid_event(event)

    @pytest.mark.parametrize(
        ("since", "until", "selected"),
        [
            (f"{UUID}:9", f"{UUID}:1-30", f"{UUID}:9-30"),
            (f"{UUID}:9", f"{UUID}:1-9", f"{UUID}:9"),
            (f"{UUID}:9", f"{UUID}:1-5:7-11:20", f"{UUID}:9-11:20"),
            (f"{UUID}:9", f"{UUID}:1-9,{OTHER}:1-5", f"{UUID}:9"),
            (f"{OTHER}:9", f"{UUID}:1-9", ""),
        ],
    )
    def test_the_newest_gtid_of_each_origin_and_all_later_ones_are_selected(
        self, since: str, until: str, selected: str
    ) -> None:
        assert str(mysql.select_gtids(MysqlHistory.parse(since), MysqlHistory.parse(until))) == selected

    def test_a_set_is_encoded_with_exclusive_ends(self) -> None:
        encoded = mysql.encode_set({UUID: ((1, 8), (10, 10))})

        numbers = [int.from_bytes(encoded[at : at + 8], "little") for at in (0, 24, 32, 40, 48, 56)]
        assert numbers == [1, 2, 1, 9, 10, 11]
        assert encoded[8:24] == bytes.fromhex(UUID.replace("-", ""))


def test_a_gtid_with_two_times_is_a_conflict() -> None:
    assert find_conflict({"0-7-8": 100, "0-7-9": 101}, {"0-7-9": 205, "0-7-8": 100}) == "0-7-9"


def test_a_gtid_in_one_log_only_is_no_conflict() -> None:
    assert find_conflict({"0-7-8": 100, "0-7-9": 101}, {"0-7-8": 100, "0-7-10": 5}) == ""


def test_transactions_before_a_lost_connection_are_kept() -> None:
    def read_until_lost() -> Iterator[tuple[str, int]]:
        yield "0-7-8", 100
        raise NoAnswer("reading the binary log", 2013, "timed out")

    excerpt = collect_timestamps(read_until_lost())

    assert excerpt == BinlogExcerpt({"0-7-8": 100}, "reading the binary log: timed out")


def test_more_transactions_than_the_limit_are_left_for_later() -> None:
    excerpt = collect_timestamps((f"0-7-{number}", 100) for number in count(1))

    assert len(excerpt.timestamps) == TRANSACTION_LIMIT
    assert excerpt.incomplete_reason


@pytest.mark.parametrize(
    ("local", "remote", "incomplete_reason"),
    [
        (BinlogExcerpt({"0-7-8": 100, "0-7-9": 101}), BinlogExcerpt({"0-7-8": 100}, "64 MiB"), "64 MiB"),
        (BinlogExcerpt({"0-7-8": 100}, "10 s"), BinlogExcerpt({"0-7-8": 100, "0-7-9": 101}), "10 s"),
        (BinlogExcerpt({"0-7-8": 100}), BinlogExcerpt({"0-7-8": 100}), ""),
    ],
    ids=["the source's log ends early", "the local log ends early", "both are complete"],
)
def test_a_log_that_ends_early_leaves_the_rest_for_later(
    local: BinlogExcerpt, remote: BinlogExcerpt, incomplete_reason: str
) -> None:
    result = compare_excerpts(local, remote, MariadbHistory())

    assert result == ComparisonResult(
        common_history=MariadbHistory.parse("0-7-8"), incomplete_reason=incomplete_reason
    )


def test_nothing_in_common_before_a_log_ends_early_proves_nothing() -> None:
    result = compare_excerpts(BinlogExcerpt({"0-7-8": 100}), BinlogExcerpt({}, "10 s"), MariadbHistory())

    assert result == ComparisonResult(incomplete_reason="10 s")
