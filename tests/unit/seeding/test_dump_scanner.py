"""A dump's position and its last line, in whatever pieces it comes."""

from __future__ import annotations

import pytest

from guestagent.seeding.dump_dialect import MARIADB, MYSQL, DumpDialect
from guestagent.seeding.dump_scanner import DumpScanner

TRAILER = b"-- Dump completed on 2026-11-29 12:13:29\n"
MYSQL_HEAD = b"SET @@SESSION.SQL_LOG_BIN= 0;\n\n%s\n\n--\n-- Current Database: `shop`\n--\n"
MARIADB_HEAD = (
    b"-- CHANGE MASTER TO MASTER_LOG_FILE='b.1', MASTER_LOG_POS=4537;\n--\n-- Current Database: `shop`\n--\n"
)
FOREIGN = b"CREATE PROCEDURE p() BEGIN\n-- SET GLOBAL gtid_slave_pos='9-9-9';\n-- Dump completed\nSELECT 1; END ;;\n"
MARIADB_TAIL = b"-- SET GLOBAL gtid_slave_pos='0-1-23,1-2-7';\n/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;\n\n"


def scan(dialect: DumpDialect, text: bytes, size: int = 7) -> DumpScanner:
    scanner = DumpScanner(dialect)
    for start in range(0, len(text), size):
        scanner.feed(text[start : start + size])
    return scanner


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_mariadb_writes_the_position_at_the_end(size: int) -> None:
    scanner = scan(MARIADB, MARIADB_HEAD + FOREIGN + MARIADB_TAIL + TRAILER, size)

    assert (scanner.position, scanner.is_complete) == ("0-1-23,1-2-7", True)


def test_older_mariadb_writes_the_position_at_the_beginning() -> None:
    head = MARIADB_HEAD.replace(b"--\n-- Current", b"-- SET GLOBAL gtid_slave_pos='0-1-5';\n--\n-- Current")

    assert scan(MARIADB, head + FOREIGN + TRAILER).position == "0-1-5"


@pytest.mark.parametrize(
    "statement",
    [
        b"/* SET @@GLOBAL.GTID_PURGED='+a-b:1-18,\nc-d:1';*/",
        b"SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'a-b:1-18,\nc-d:1';",
        b"SET @@GLOBAL.GTID_PURGED='a-b:1-18,c-d:1';",
    ],
)
def test_mysql_writes_the_position_at_the_beginning(statement: bytes) -> None:
    scanner = scan(MYSQL, MYSQL_HEAD % statement + FOREIGN + TRAILER)

    assert (scanner.position, scanner.is_complete) == ("a-b:1-18,c-d:1", True)


def test_an_empty_position_is_one() -> None:
    assert scan(MYSQL, MYSQL_HEAD % b"/* SET @@GLOBAL.GTID_PURGED='';*/" + TRAILER).position == ""


def test_a_cut_dump_is_not_complete() -> None:
    scanner = scan(MARIADB, MARIADB_HEAD + FOREIGN)

    assert (scanner.position, scanner.is_complete) == (None, False)


def test_the_head_has_passed_when_the_first_schema_begins() -> None:
    scanner = DumpScanner(MYSQL)

    scanner.feed(b"-- MySQL dump\n")
    assert not scanner.has_head
    scanner.feed(b"--\n-- Current Database: `shop`\n")
    assert scanner.has_head
