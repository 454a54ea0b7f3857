"""`guestagent verify` compares the definitions of all objects."""

from __future__ import annotations

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

DEFINER_FUNCTIONS = "SET GLOBAL log_bin_trust_function_creators = 1"


def test_all_kinds_of_objects_are_equal_on_a_replica(pair: VerifiedPair) -> None:
    pair.prepare("TRIGGER", "EVENT")
    pair.source.server.execute(DEFINER_FUNCTIONS, *OBJECTS)

    exit_code, answer = pair.verify()

    assert (exit_code, answer["result"]) == (0, "equal"), answer
    assert (answer["definitions"], answer["uncompared"]) == (7, [])


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
    assert {each["name"] for each in answer["uncompared"]} == {"events", "triggers"}
