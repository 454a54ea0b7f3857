from __future__ import annotations

import json

import pytest

from guestagent.retry import FakeClock
from guestagent.strict_json import UnreadableContent
from guestagent.verification.key_range import KeyRange
from guestagent.verification.read_rate import ReadRate
from guestagent.verification.result import (
    Difference,
    Uncompared,
    VerificationResult,
    parse_result,
)
from guestagent.verification.row_checksum import Checksum, build_checksum_query, build_column_text
from guestagent.verification.selection import Selection, parse_selection
from guestagent.verification.table import Column, Table

DIFFERENCE = Difference("rows", "d.t", "id=5: 1 on the source, 0 on the replica", "id=5", "id=5", 1, 0)
UNCOMPARED = Uncompared("d.old", "MyISAM has no snapshots")
HIDDEN = Uncompared("triggers", "the account lacks TRIGGER", is_expected=True)
FULL = Selection(frozenset({"a"}), frozenset({("b", "t")}))


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (VerificationResult("s", 1.0), "equal"),
        (VerificationResult("s", 1.0, uncompared=(HIDDEN,)), "equal"),
        (VerificationResult("s", 1.0, uncompared=(HIDDEN, UNCOMPARED)), "incomplete"),
        (VerificationResult("s", 1.0, differences=(DIFFERENCE,), uncompared=(UNCOMPARED,)), "different"),
    ],
)
def test_a_result_survives_its_file_and_has_one_outcome(result: VerificationResult, outcome: str) -> None:
    parsed = parse_result(json.loads(json.dumps(result.as_json())))

    assert (parsed, parsed.outcome, parsed.summarize().split(":")[0]) == (result, outcome, outcome)


def test_another_form_of_result_is_unreadable() -> None:
    with pytest.raises(UnreadableContent):
        parse_result({**VerificationResult("s", 1.0).as_json(), "differences": [1]})


def test_a_selection_includes_schemas_and_tables_with_their_triggers() -> None:
    assert FULL.includes_schema("b")
    assert FULL.includes_object("a", "anything")
    assert FULL.includes_object("b", "trigger", "t")
    assert not FULL.includes_object("b", "u")
    assert str(FULL) == "a, b.t"


def test_what_does_not_exist_is_named() -> None:
    assert FULL.find_missing(frozenset({"b"}), frozenset()) == ("a", "b.t")


def test_a_table_without_its_schema_is_rejected() -> None:
    with pytest.raises(ValueError, match="orders"):
        parse_selection([], ["orders"])


def test_reading_waits_as_long_as_its_bytes_take_at_the_rate() -> None:
    clock = FakeClock()
    limit = ReadRate(2.0, clock)

    waits = [limit.compute_wait(1024 * 1024), limit.compute_wait(1024 * 1024)]

    assert waits == [0.5, 1.0]


def test_a_slow_chunk_is_not_caught_up() -> None:
    clock = FakeClock()
    limit = ReadRate(1.0, clock)
    clock.time += 60

    waits = [limit.compute_wait(1024 * 1024), limit.compute_wait(1024 * 1024)]

    assert waits == [0.0, 1.0]


def test_chunks_are_smaller_at_a_low_rate_and_have_at_least_one_row() -> None:
    clock = FakeClock()

    sizes = [ReadRate(rate, clock).choose_chunk_rows(100_000) for rate in (None, 1.0, 0.01)]

    assert sizes == [41, 10, 1]


def test_null_and_values_of_one_column_have_different_texts() -> None:
    text, number = build_column_text(Column("c", "varchar")), build_column_text(Column("c", "float"))

    assert text == "IF(`c` IS NULL, '-', CONCAT(LENGTH(`c`), ':', CAST(`c` AS BINARY)))"
    assert number == "IF(`c` IS NULL, '-', `c` + 0e0)"


def test_a_row_without_a_checksum_makes_the_whole_one_invalid() -> None:
    query = build_checksum_query(Table("d", "t", "InnoDB", (Column("c", "int"),)), KeyRange())

    assert f", {10**40})) AS total" in query
    assert not Checksum(1, 10**40).is_valid
    assert Checksum(2**63, 2**63 * (2**64 - 1)).is_valid
