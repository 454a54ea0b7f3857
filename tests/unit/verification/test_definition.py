from __future__ import annotations

from guestagent.verification.definition import (
    DefinedObject,
    build_differences,
    find_suspects,
    normalize_table,
)

TABLE = DefinedObject("d", "table", "t")
TRIGGER = DefinedObject("d", "trigger", "tr", "t")
SCHEMA = DefinedObject("d", "schema")


def test_the_counter_of_auto_increment_is_removed_and_nothing_else() -> None:
    text = (
        "CREATE TABLE `t` (\n  `a` int COMMENT ' AUTO_INCREMENT=3'\n"
        ") ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=ascii"
    )

    assert normalize_table(text) == text.replace(" AUTO_INCREMENT=7", "")


def test_equal_definitions_have_no_suspects() -> None:
    assert find_suspects({TABLE: "x"}, {TABLE: "x"}) == ()


def test_the_first_different_line_is_shown() -> None:
    source, replica = {TABLE: "one\n  two,\nthree"}, {TABLE: "one\n  2,\nthree"}

    [difference] = build_differences(find_suspects(source, replica), source, replica)

    assert str(difference) == "table d.t: on the source two, on the replica 2"


def test_an_additional_line_is_shown() -> None:
    source, replica = {TABLE: "one"}, {TABLE: "one\ntwo"}

    [difference] = build_differences((TABLE,), source, replica)

    assert difference.text == "on the source nothing, on the replica two"


def test_the_objects_of_a_missing_schema_are_not_repeated() -> None:
    source = {SCHEMA: "s", TABLE: "t", TRIGGER: "r"}

    differences = build_differences(find_suspects(source, {}), source, {})

    assert [str(each) for each in differences] == ["schema d: missing on the replica"]


def test_the_triggers_of_a_missing_table_are_not_repeated() -> None:
    source, replica = {SCHEMA: "s", TABLE: "t", TRIGGER: "r"}, {SCHEMA: "s"}

    differences = build_differences(find_suspects(source, replica), source, replica)

    assert [str(each) for each in differences] == ["table d.t: missing on the replica"]
