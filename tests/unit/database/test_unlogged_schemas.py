"""Whether the beginning of a binary log accounts for the schemas that are there."""

import pytest

from guestagent.database.driver import Row
from guestagent.database.unlogged_schemas import find_unlogged_schemas

MARIADB: tuple[Row, ...] = (
    {"Event_type": "Format_desc", "Info": "Server ver: 11.8"},
    {"Event_type": "Gtid_list", "Info": "[]"},
)
MYSQL: tuple[Row, ...] = (
    {"Event_type": "Format_desc", "Info": "Server ver: 9.7"},
    {"Event_type": "Previous_gtids", "Info": ""},
)
PURGED: tuple[Row, ...] = ({"Event_type": "Gtid_list", "Info": "[0-1-7]"},)


def query(text: str) -> Row:
    return {"Event_type": "Query", "Info": text}


def table(name: str) -> Row:
    return {"Event_type": "Table_map", "Info": f"table_id: 111 ({name})"}


def unlogged(events: list[Row], whole: bool, *schemas: str) -> list[str]:
    return list(find_unlogged_schemas(schemas or ("shop",), events, whole))


@pytest.mark.parametrize("head", [MARIADB, MYSQL])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE DATABASE shop",
        "create schema if not exists `shop` /* xid=9 */",
        "use `other`; CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!40100 DEFAULT CHARACTER SET utf8mb4 */",
        "CREATE OR REPLACE DATABASE Shop",
    ],
)
def test_a_schema_that_the_log_creates_before_it_is_used_is_accounted_for(
    head: tuple[Row, ...], whole: bool, statement: str
) -> None:
    events = [*head, query(statement), query("use `shop`; CREATE TABLE t (id INT)"), table("shop.t")]

    assert not unlogged(events, whole)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("used", [table("shop.t"), query("use `shop`; INSERT INTO t VALUES (1)")])
def test_a_schema_that_is_used_before_it_is_created_is_not(used: Row, whole: bool) -> None:
    assert unlogged([*MARIADB, used], whole) == ["shop"]
    assert unlogged([*MARIADB, used, query("CREATE DATABASE shop")], whole) == ["shop"]


def test_a_schema_of_which_a_whole_log_knows_nothing_is_not() -> None:
    assert unlogged([*MYSQL, query("CREATE ROLE guestagent"), query("CREATE DATABASE shop2")], True) == [
        "shop"
    ]


def test_a_schema_of_which_the_first_events_know_nothing_may_come_later() -> None:
    assert not unlogged([*MYSQL, query("CREATE ROLE guestagent")], False)


def test_a_log_whose_beginning_was_purged_claims_nothing() -> None:
    assert not unlogged([*PURGED, table("shop.t")], True)
    assert not unlogged([], True)


def test_names_that_look_alike_are_told_apart() -> None:
    events = [*MARIADB, query("CREATE DATABASE `a.b`"), table("a.b.t"), query("CREATE DATABASE a")]

    assert not unlogged(events, True, "a", "a.b")


def test_a_name_with_a_quote_is_found() -> None:
    assert unlogged([*MARIADB, query("use `we``ird`; CREATE TABLE t (id INT)")], False, "we`ird") == [
        "we`ird"
    ]
