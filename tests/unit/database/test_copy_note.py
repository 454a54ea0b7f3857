"""The note in a donor account about what a clone of the source would lack."""

from __future__ import annotations

import pytest

from guestagent.database.copy_note import CopyNote, parse_copy_note

FULL = CopyNote(("shop.it's", 'shop."old\\"'), has_encrypted_tables=True)


@pytest.mark.parametrize("note", [CopyNote(), FULL])
def test_a_note_is_read_as_it_was_written(note: CopyNote) -> None:
    assert parse_copy_note(note.format_attribute()) == note


@pytest.mark.parametrize(
    "attribute",
    [
        None,
        "",
        "nothing",
        "[]",
        "{}",
        '{"guestagent": 1}',
        '{"guestagent": {}}',
        '{"comment": "a person\'s"}',
    ],
)
def test_other_attributes_are_no_note(attribute: str | None) -> None:
    assert parse_copy_note(attribute) is None


def test_a_note_names_what_is_lacking() -> None:
    note = CopyNote(("shop.old", "shop.older"), has_encrypted_tables=True)

    assert str(note) == "CLONE would leave shop.old, shop.older empty; encrypted tables need a keyring"
    assert str(CopyNote()) == "all tables can be cloned"
