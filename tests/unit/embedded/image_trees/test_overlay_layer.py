"""The merge of an overlay into a copy of a tree that shares its files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guestagent.embedded.image_trees.overlay_layer import merge_layer
from tests.support.text_file import write_text_file


@pytest.fixture
def lower(tmp_path: Path) -> Path:
    """A tree, and a copy that shares its files as `tree` beside it."""
    folder = tmp_path / "lower"
    write_text_file(folder / "opt/agent/old", "old")
    write_text_file(folder / "etc/unit", "before")
    (folder / "etc/link").symlink_to("unit")
    for path in folder.rglob("*"):
        copy = tmp_path / "tree" / path.relative_to(folder)
        if path.is_dir():
            copy.mkdir(parents=True)
        else:
            os.link(path, copy, follow_symlinks=False)
    return folder


def test_a_layer_replaces_and_adds_files(tmp_path: Path, lower: Path) -> None:
    write_text_file(tmp_path / "upper/etc/unit", "after")
    write_text_file(tmp_path / "upper/opt/agent/lib/new", "new")
    (tmp_path / "upper/etc/link").symlink_to("elsewhere")

    merge_layer(tmp_path / "upper", tmp_path / "tree")

    assert (tmp_path / "tree/etc/unit").read_text() == "after"
    assert (tmp_path / "tree/etc/link").readlink() == Path("elsewhere")
    assert (tmp_path / "tree/opt/agent/lib/new").read_text() == "new"
    assert (tmp_path / "tree/opt/agent/old").read_text() == "old"


def test_a_layer_does_not_change_the_tree_that_the_copy_shares_files_with(
    tmp_path: Path, lower: Path
) -> None:
    write_text_file(tmp_path / "upper/etc/unit", "after")

    merge_layer(tmp_path / "upper", tmp_path / "tree")

    assert (lower / "etc/unit").read_text() == "before"


def test_a_folder_takes_the_place_of_a_file(tmp_path: Path, lower: Path) -> None:
    write_text_file(tmp_path / "upper/etc/unit/part", "part")

    merge_layer(tmp_path / "upper", tmp_path / "tree")

    assert (tmp_path / "tree/etc/unit/part").read_text() == "part"
