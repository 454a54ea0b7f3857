from __future__ import annotations

import pytest

from guestagent.verification.key_range import KeyRange, build_key_expression, build_literal, format_key
from guestagent.verification.table import Column, IndexPart, choose_key

ID, NAME = Column("id", "int", None, False), Column("na`me", "varchar", "latin1", False)
DAY, RAW = Column("day", "date", None, False), Column("raw", "varbinary", None, False)


def test_all_rows_have_no_condition() -> None:
    assert KeyRange().build_condition((ID,)) == ""


def test_a_range_of_one_column_excludes_its_beginning_and_includes_its_end() -> None:
    assert KeyRange(("1",), ("9",)).build_condition((ID,)) == " WHERE `id` > 1 AND `id` <= 9"


def test_a_range_of_several_columns_follows_their_order() -> None:
    condition = KeyRange(("61", "5"), ("62", "7")).build_condition((NAME, ID))

    assert condition == (
        " WHERE `na``me` >= _latin1 X'61' AND ((`na``me` > _latin1 X'61') OR (`na``me` = _latin1 X'61' AND `id` > 5))"
        " AND `na``me` <= _latin1 X'62'"
        " AND ((`na``me` < _latin1 X'62') OR (`na``me` = _latin1 X'62' AND `id` <= 7))"
    )


@pytest.mark.parametrize(
    ("column", "value"), [(ID, "1 OR 1"), (NAME, "6"), (NAME, "61'"), (RAW, "x"), (ID, "")]
)
def test_a_value_of_another_form_is_rejected(column: Column, value: str) -> None:
    with pytest.raises(ValueError, match="form of its type"):
        build_literal(column, value)


def test_a_time_is_a_quoted_literal_and_is_read_as_text() -> None:
    assert build_literal(DAY, "0000-00-00") == "'0000-00-00'"
    assert build_key_expression(DAY) == "CAST(`day` AS CHAR)"
    assert build_key_expression(RAW) == "HEX(`raw`)"


def test_a_key_is_shown_with_its_text() -> None:
    assert format_key((NAME, ID, RAW), ("E9", "-5", "00FF")) == "na`me='é', id=-5, raw=0x00FF"


def test_the_primary_key_is_chosen_before_shorter_ones() -> None:
    parts = [IndexPart("a", "id"), IndexPart("PRIMARY", "day"), IndexPart("PRIMARY", "id")]

    assert choose_key((ID, DAY), parts) == (DAY, ID)


@pytest.mark.parametrize(
    ("column", "part"),
    [
        (Column("c", "int", None, True), IndexPart("u", "c")),
        (Column("c", "double", None, False), IndexPart("u", "c")),
        (Column("c", "varchar", "utf8mb4", False), IndexPart("u", "c", is_complete=False)),
        (Column("c", "int", None, False), IndexPart("u", "None", is_complete=False)),
    ],
)
def test_a_key_that_may_be_null_or_is_not_ordered_exactly_is_not_used(
    column: Column, part: IndexPart
) -> None:
    assert choose_key((column,), [part]) == ()
