"""What an attempt of a CLONE leaves for the next one."""

from __future__ import annotations

import pytest

from guestagent.seeding.clone_memo import CloneMemo, parse_memo


@pytest.mark.parametrize(
    "memo",
    [
        CloneMemo(),
        CloneMemo(previous_begin="", source_version="9.7.4"),
        CloneMemo(previous_begin="11:21", source_version="9.7.4", is_copied=True),
        CloneMemo(previous_begin="11:21", is_copied=True, position="", bytes_done=7),
        CloneMemo(previous_begin="11:21", emptied_tables="shop.old"),
    ],
)
def test_a_memo_is_read_as_it_was_written(memo: CloneMemo) -> None:
    assert parse_memo(memo.as_mapping()) == memo
