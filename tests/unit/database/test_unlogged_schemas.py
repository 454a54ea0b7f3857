"""Finding schemas that a binary log does not create."""

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


def build_query(text: str) -> Row:
    return {"Event_type": "Query", "Info": text}


def build_table_map(name: str) -> Row:
    return {"Event_type": "Table_map", "Info": f"table_id: 111 ({name})"}


def list_unlogged(events: list[Row], is_complete: bool, *schemas: str) -> list[str]:
    return list(find_unlogged_schemas(schemas or ("shop",), events, is_complete))


@pytest.mark.parametrize("head", [MARIADB, MYSQL])
@pytest.mark.parametrize("is_complete", [True, False])
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE DATABASE shop",
        "create schema if not exists `shop` /* xid=9 */",
        "use `other`; CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!40100 DEFAULT CHARACTER SET utf8mb4 */",
        "CREATE OR REPLACE DATABASE Shop",
    ],
)
def test_a_schema_that_is_created_before_its_first_use_is_logged(
    head: tuple[Row, ...], is_complete: bool, statement: str
) -> None:
    events = [
        *head,
        build_query(statement),
        build_query("use `shop`; CREATE TABLE t (id INT)"),
        build_table_map("shop.t"),
    ]

    assert not list_unlogged(events, is_complete)


@pytest.mark.parametrize("is_complete", [True, False])
@pytest.mark.parametrize(
    "used", [build_table_map("shop.t"), build_query("use `shop`; INSERT INTO t VALUES (1)")]
)
def test_a_schema_used_before_its_creation_is_unlogged(used: Row, is_complete: bool) -> None:
    assert list_unlogged([*MARIADB, used], is_complete) == ["shop"]
    assert list_unlogged([*MARIADB, used, build_query("CREATE DATABASE shop")], is_complete) == ["shop"]


def test_a_schema_missing_from_a_complete_log_is_unlogged() -> None:
    assert list_unlogged(
        [*MYSQL, build_query("CREATE ROLE guestagent"), build_query("CREATE DATABASE shop2")], True
    ) == ["shop"]


def test_a_schema_that_is_missing_in_the_first_events_may_come_later() -> None:
    assert not list_unlogged([*MYSQL, build_query("CREATE ROLE guestagent")], False)


def test_a_log_without_its_beginning_is_not_checked() -> None:
    assert not list_unlogged([*PURGED, build_table_map("shop.t")], True)
    assert not list_unlogged([], True)


def test_similar_names_are_distinguished() -> None:
    events = [
        *MARIADB,
        build_query("CREATE DATABASE `a.b`"),
        build_table_map("a.b.t"),
        build_query("CREATE DATABASE a"),
    ]

    assert not list_unlogged(events, True, "a", "a.b")


def test_a_name_with_a_quote_is_found() -> None:
    assert list_unlogged(
        [*MARIADB, build_query("use `we``ird`; CREATE TABLE t (id INT)")], False, "we`ird"
    ) == ["we`ird"]
