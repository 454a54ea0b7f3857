"""`guestagent verify` compares rows, also while the source is written to."""

from __future__ import annotations

import re

import pytest

from tests.support.verified_pair import ROW_COUNT, VerifiedPair


def test_equal_data_are_equal_while_the_source_is_written_to(pair: VerifiedPair) -> None:
    pair.prepare()
    pair.fill_table()

    with pair.write_continuously():
        exit_code, answer = pair.verify()

    assert (exit_code, answer["result"], answer["differences"]) == (0, "equal", [])
    assert answer["rows"] >= ROW_COUNT


def test_one_changed_row_among_many_is_named_while_the_source_is_written_to(pair: VerifiedPair) -> None:
    pair.prepare()
    pair.fill_table()
    pair.change_replica("UPDATE d.big SET text = 'changed' WHERE id = 123456")

    with pair.write_continuously():
        exit_code, answer = pair.verify("--table", "d.big")

    [difference] = answer["differences"]
    assert (exit_code, answer["result"], difference["name"]) == (11, "different", "d.big")
    assert (difference["first_key"], difference["last_key"]) == ("id=123456", "id=123456")
    assert (difference["source_rows"], difference["replica_rows"]) == (1, 1)


def test_missing_and_extra_rows_are_named(pair: VerifiedPair) -> None:
    pair.prepare()
    pair.fill_table(1000)
    pair.change_replica(
        "DELETE FROM d.big WHERE id = 10", "INSERT INTO d.big (id, number) VALUES (-5, 1), (5000000, 1)"
    )

    exit_code, answer = pair.verify()

    assert exit_code == 11
    assert {
        (each["first_key"], each["source_rows"], each["replica_rows"]) for each in answer["differences"]
    } == {("id=-5", 0, 1), ("id=10", 1, 0), ("id=5000000", 0, 1)}


def test_a_table_without_a_key_is_compared_as_a_whole(pair: VerifiedPair) -> None:
    pair.prepare()
    pair.source.server.execute(
        "CREATE TABLE d.plain (a INT, b TEXT)", "INSERT INTO d.plain VALUES (1, 'x'), (1, 'x'), (NULL, '')"
    )
    equal_code, _ = pair.verify()
    pair.change_replica("UPDATE d.plain SET b = NULL WHERE a IS NULL")

    exit_code, answer = pair.verify()

    [difference] = answer["differences"]
    assert (equal_code, exit_code) == (0, 11)
    assert (difference["name"], difference["first_key"]) == ("d.plain", "")
    assert (difference["source_rows"], difference["replica_rows"]) == (3, 3)


def test_a_table_with_a_composite_key_is_narrowed_down_by_all_of_its_columns(pair: VerifiedPair) -> None:
    pair.prepare()
    rows = ", ".join(f"('{chr(97 + n % 5)}', {n}, '2026-01-{n % 28 + 1:02}')" for n in range(300))
    pair.source.server.execute(
        "CREATE TABLE d.pairs (a CHAR(3) CHARACTER SET latin1, b INT, c DATE, PRIMARY KEY (a, b, c))",
        f"INSERT INTO d.pairs VALUES {rows}",  # noqa: S608
        "CREATE TABLE d.`od{d ``name` (`k{}` VARBINARY(8) NOT NULL, v FLOAT, UNIQUE (`k{}`))",
        "INSERT INTO d.`od{d ``name` VALUES (X'00FF', 1.0000001), (X'27', 2)",
    )
    pair.change_replica(
        "DELETE FROM d.pairs WHERE a = 'c' AND b = 202",
        "UPDATE d.`od{d ``name` SET v = 1.0000002 WHERE v < 2",
    )

    _, answer = pair.verify()

    assert [each["first_key"] for each in answer["differences"]] == [
        "k{}=0x00FF",
        "a='c', b=202, c=2026-01-07",
    ]


def test_the_history_of_a_versioned_table_is_listed_as_not_compared(pair: VerifiedPair) -> None:
    if pair.source.server.flavour.family != "mariadb":
        pytest.skip("MySQL has no versioned tables")
    pair.prepare()
    pair.source.server.execute(
        "CREATE TABLE d.v (id INT PRIMARY KEY) WITH SYSTEM VERSIONING",
        "INSERT INTO d.v VALUES (1), (2)",
        "DELETE FROM d.v WHERE id = 2",
    )

    exit_code, answer = pair.verify()
    printed = pair.run("verify").stdout

    assert (exit_code, answer["result"], answer["rows"]) == (0, "equal", 1)
    assert "history of d.v" in {each["name"] for each in answer["uncompared"]}
    assert "  not compared  history of d.v: only the current rows are compared\n" in printed
    assert printed.count("triggers: ") == 1


def test_the_differences_of_one_table_are_limited(pair: VerifiedPair) -> None:
    pair.prepare()
    pair.fill_table(1000)
    pair.change_replica("UPDATE d.big SET number = number + 1")

    _, answer = pair.verify("--rate", "1000")

    assert len(answer["differences"]) == 21
    assert "further rows may differ" in answer["differences"][-1]["text"]


def test_status_shows_the_last_verification_with_its_age(pair: VerifiedPair) -> None:
    pair.prepare()
    pair.fill_table(100)
    before = pair.run("status").stdout
    pair.change_replica("DELETE FROM d.big WHERE id = 3")

    pair.verify("--schema", "d")
    after = pair.run("status").stdout

    assert "\n  verified" not in before
    assert re.search(r"\n  verified different: 1 differences; .* \(d\) compared .* ago\)?", after), after
