"""What a source's agent has noted in the donor account, before anything is cloned."""

from __future__ import annotations

import pytest

from guestagent.database.copy_note import CopyNote
from guestagent.errors import SeedError
from guestagent.seeding.clone_donor import check_copy_note


@pytest.mark.parametrize(
    ("note", "keyring"), [(CopyNote(), "OFF"), (CopyNote(has_encrypted_tables=True), "ON")]
)
def test_a_source_whose_tables_can_all_be_cloned_fits(note: CopyNote, keyring: str) -> None:
    check_copy_note(note, {"keyring": keyring})


def test_an_account_without_a_note_is_asked_again() -> None:
    with pytest.raises(SeedError, match="has not noted yet which of its tables") as failure:
        check_copy_note(None, {"keyring": "ON"})

    assert failure.value.is_transient


@pytest.mark.parametrize(
    ("note", "reason", "advice"),
    [
        (CopyNote(("shop.old",)), "would leave these tables empty: shop.old", "Method: dump"),
        (
            CopyNote(has_encrypted_tables=True),
            "has encrypted tables, and this server has no keyring",
            "load a keyring",
        ),
    ],
)
def test_a_clone_that_would_lack_data_is_refused_for_good(note: CopyNote, reason: str, advice: str) -> None:
    with pytest.raises(SeedError, match=reason) as failure:
        check_copy_note(note, {"keyring": "OFF"})

    assert not failure.value.is_transient
    assert advice in failure.value.advice
