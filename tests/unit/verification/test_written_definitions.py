from __future__ import annotations

import json

import pytest

from guestagent.strict_json import UnreadableContent
from guestagent.verification.definition import DefinedObject
from guestagent.verification.written_definitions import WrittenDefinitions, parse_written_definitions

WRITTEN = WrittenDefinitions(
    family="MariaDB",
    server="server 71 at a:3306",
    position="0-71-5",
    written_at="2020-11-23T18:00:30+00:00",
    kinds=frozenset({"trigger"}),
    definitions={DefinedObject("d", "trigger", "tr", "t"): "SET NEW.a = 'é'\n"},
)


def test_what_was_written_is_read_again() -> None:
    assert parse_written_definitions(WRITTEN.format()) == WRITTEN


def test_the_number_of_objects_and_their_position_are_described() -> None:
    assert WRITTEN.describe() == "1 trigger at 0-71-5"


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"position": 1},
        {"kinds": ["table"]},
        {"kinds": []},
        {"definitions": [["d", "table", "t", "", "text"]]},
        {"definitions": [["d"]]},
    ],
)
def test_another_content_is_unreadable(change: dict[str, object]) -> None:
    with pytest.raises(UnreadableContent):
        parse_written_definitions(json.dumps({**json.loads(WRITTEN.format()), **change}))


def test_a_file_that_was_cut_is_unreadable() -> None:
    with pytest.raises(UnreadableContent):
        parse_written_definitions(WRITTEN.format()[:-20])
