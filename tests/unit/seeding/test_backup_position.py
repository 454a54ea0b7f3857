"""The position of a backup."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.errors import SeedError
from guestagent.seeding.backup_position import POSITION_FILES, read_position


@pytest.mark.parametrize("name", POSITION_FILES)
@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("binlog.000002\t16498\t0-1-174\n", "0-1-174"),
        ("binlog.000002\t16498\t0-1-174,1-2-3\n", "0-1-174,1-2-3"),
        ("binlog.000002\t16498\t0-1-174,\n1-2-3\n", "0-1-174,1-2-3"),
        ("binlog.000001\t329\t\n", ""),
    ],
    ids=["one domain", "two domains", "two lines", "nothing written yet"],
)
def test_a_position_is_read_from_the_file_of_each_version(
    tmp_path: Path, name: str, text: str, position: str
) -> None:
    (tmp_path / name).write_text(text)

    assert read_position(tmp_path) == position


@pytest.mark.parametrize("text", ["", "binlog.000002\t16498\n", "binlog.000002\t16498\tuuid:1-5\n", "\0\xff"])
def test_a_position_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / POSITION_FILES[0]).write_text(text)

    with pytest.raises(SeedError, match="no GTID position"):
        read_position(tmp_path)


def test_a_backup_without_a_position_is_not_whole(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match="no file with its position") as failure:
        read_position(tmp_path)

    assert failure.value.is_transient
