"""`guestagent verify` compares the definitions of all objects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.verified_pair import VerifiedPair

OBJECTS = (
    "CREATE TABLE d.t (id INT PRIMARY KEY, name VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci)",
    "INSERT INTO d.t VALUES (1, 'a'), (2, 'b')",
    "CREATE VIEW d.v AS SELECT id FROM d.t",
    "CREATE PROCEDURE d.p(a INT) SELECT a",
    "CREATE FUNCTION d.f() RETURNS INT DETERMINISTIC NO SQL RETURN 1",
    "CREATE TRIGGER d.tr BEFORE INSERT ON d.t FOR EACH ROW SET NEW.name = 'x'",
    "CREATE EVENT d.e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
)
CHANGES = (
    ("DROP TABLE d.gone", "table", "d.gone", "missing on the replica"),
    ("CREATE TABLE d.extra (id INT)", "table", "d.extra", "only on the replica"),
    ("CREATE SCHEMA other", "schema", "other", "only on the replica"),
    ("ALTER DATABASE d CHARACTER SET ascii", "schema", "d", "ascii"),
    (
        "ALTER TABLE d.t MODIFY name VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, ADD INDEX (name)",
        *("table", "d.t", "utf8mb4_bin"),
    ),
    ("DROP TRIGGER d.tr", "trigger", "d.tr", "missing on the replica"),
    ("ALTER VIEW d.v AS SELECT id + 1 AS id FROM d.t", "view", "d.v", "+ 1"),
    ("DROP FUNCTION d.f", "function", "d.f", "missing on the replica"),
    ("ALTER EVENT d.e COMMENT 'changed'", "event", "d.e", "changed"),
)
"""Statements on the replica, and the difference that each makes."""

OBJECT_COUNTS = dict.fromkeys(("schema", "table", "view", "procedure", "function", "trigger", "event"), 1)
OWN_OBJECTS = {
    "mariadb": "CREATE SEQUENCE d.s",
    "mysql": "CREATE LIBRARY d.l LANGUAGE JAVASCRIPT AS $$ export function f(n) { return n } $$",
}
OWN_COUNTS = {"mariadb": {"sequence": 1, "package": 0, "package body": 0}, "mysql": {"library": 1}}
HIDDEN_KINDS = {"mariadb": {"triggers"}, "mysql": {"triggers", "events"}}
"""The kinds that an account with SELECT and SHOW VIEW cannot see."""

DEFINER_FUNCTIONS = "SET GLOBAL log_bin_trust_function_creators = 1"


def count_compared_objects(answer: Mapping[str, Any]) -> dict[str, int]:
    return {each["kind"]: each["count"] for each in answer["kinds"] if each["is_compared"]}


def test_all_kinds_of_objects_are_equal_on_a_replica(pair: VerifiedPair) -> None:
    family = pair.source.server.flavour.family
    pair.prepare("TRIGGER", "EVENT")
    pair.source.server.execute(DEFINER_FUNCTIONS, *OBJECTS, OWN_OBJECTS[family])

    exit_code, answer = pair.verify()

    assert (exit_code, answer["result"]) == (0, "equal"), answer
    assert (answer["definitions"], answer["uncompared"]) == (8, [])
    assert count_compared_objects(answer) == OBJECT_COUNTS | OWN_COUNTS[family]


def test_every_changed_definition_is_named(pair: VerifiedPair) -> None:
    pair.prepare("TRIGGER", "EVENT")
    pair.source.server.execute(DEFINER_FUNCTIONS, *OBJECTS, "CREATE TABLE d.gone (id INT PRIMARY KEY)")
    pair.change_replica(*(change for change, *_ in CHANGES))

    exit_code, answer = pair.verify()

    texts = {(each["kind"], each["name"]): each["text"] for each in answer["differences"]}
    assert exit_code == 11
    assert texts.keys() == {(kind, name) for _, kind, name, _ in CHANGES}
    assert [text for _, kind, name, text in CHANGES if text not in texts[kind, name]] == []


def test_counters_are_no_difference_and_an_account_without_trigger_cannot_compare_triggers(
    pair: VerifiedPair,
) -> None:
    pair.prepare()
    pair.source.server.execute(
        "CREATE TABLE d.t (id INT AUTO_INCREMENT PRIMARY KEY)", "INSERT INTO d.t VALUES (1)"
    )
    pair.change_replica("ALTER TABLE d.t AUTO_INCREMENT = 500")

    exit_code, answer = pair.verify()

    assert (exit_code, answer["result"]) == (0, "equal")
    assert {each["name"] for each in answer["uncompared"]} == HIDDEN_KINDS[pair.source.server.flavour.family]


def test_what_the_account_cannot_see_is_compared_with_a_file_of_the_source(pair: VerifiedPair) -> None:
    family = pair.source.server.flavour.family
    pair.prepare()
    pair.source.server.execute(DEFINER_FUNCTIONS, *OBJECTS, OWN_OBJECTS[family])
    file = str(pair.write_definitions())
    pair.wait_for_replica()
    equal_code, equal_answer = pair.verify("--definitions", file)
    pair.change_replica("DROP TRIGGER d.tr", "ALTER EVENT d.e COMMENT 'changed'")

    exit_code, answer = pair.verify("--definitions", file)

    assert (equal_code, equal_answer["result"], equal_answer["uncompared"]) == (0, "equal", [])
    assert count_compared_objects(equal_answer) == OBJECT_COUNTS | OWN_COUNTS[family]
    assert exit_code == 11
    assert {(each["kind"], each["name"]) for each in answer["differences"]} == {
        ("trigger", "d.tr"),
        ("event", "d.e"),
    }


def test_an_account_without_further_privileges_finds_a_changed_event_of_mariadb(pair: VerifiedPair) -> None:
    if pair.source.server.flavour.family != "mariadb":
        pytest.skip("events of MySQL can be seen with the privilege EVENT alone")
    pair.prepare()
    pair.source.server.execute(*OBJECTS)
    pair.change_replica("ALTER EVENT d.e DO SELECT 2")

    exit_code, answer = pair.verify()

    [difference] = answer["differences"]
    assert (exit_code, difference["kind"], difference["name"]) == (11, "event", "d.e")
    assert "SELECT 1" in difference["text"]


def test_a_file_of_another_server_or_of_no_server_is_refused_by_name(pair: VerifiedPair) -> None:
    pair.prepare()
    file = pair.write_definitions()
    content = json.loads(file.read_text())
    other = file.with_name("other.json")

    for change, text in (
        ({"server": "server 5 at elsewhere:3306"}, "found MariaDB server 5 at elsewhere:3306"),
        ({"position": "nothing"}, "a position that the source has executed"),
        ({"kinds": ["table"]}, "kinds of objects that do not belong there"),
    ):
        other.write_text(json.dumps(content | change))
        completed = pair.run("verify", "--definitions", str(other))
        expected = text.replace("MariaDB", content["family"])
        assert (completed.returncode, expected in completed.stderr) == (2, True), completed.stderr

    assert file.stat().st_mode & 0o777 == 0o600


def test_a_replica_writes_no_definitions_and_a_source_no_part_of_them(pair: VerifiedPair) -> None:
    pair.prepare()
    pair.write_definitions()

    on_replica = pair.run("verify", "--write-definitions", "-")
    part = pair.source.run("verify", "--write-definitions", "-", "--schema", "d")
    printed = pair.source.run("verify", "--write-definitions", "-")

    assert (on_replica.returncode, "this node is a replica" in on_replica.stderr) == (1, True)
    assert (part.returncode, "it writes everything" in part.stderr) == (2, True)
    assert json.loads(printed.stdout)["version"] == 1
