"""Trees and disks in the cache: their names, and the removal of those that nobody uses."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guestagent.embedded.image_trees import MARIADB_RECIPE
from guestagent.embedded.image_trees.tree_cache import (
    KEPT_TREES_LIMIT,
    USE_TIMEOUT_S,
    compute_tree_name,
    remove_unused_trees,
)
from tests.support.disk_images import DISK_FILE, provide_disk

NOW = 10_000_000.0


def make_tree(folder: Path, name: str, age_s: float) -> Path:
    tree = folder / name
    tree.mkdir()
    os.utime(tree, (NOW - age_s, NOW - age_s))
    return tree


def test_trees_that_nobody_uses_are_removed_except_the_last_few(tmp_path: Path) -> None:
    old = [make_tree(tmp_path, f"image-{age}", USE_TIMEOUT_S + age) for age in range(1, KEPT_TREES_LIMIT + 3)]

    remove_unused_trees(tmp_path, "image", set(), NOW)

    assert sorted(tmp_path.iterdir()) == sorted(old[:KEPT_TREES_LIMIT])


def test_trees_in_use_and_those_of_other_images_stay(tmp_path: Path) -> None:
    for age in range(KEPT_TREES_LIMIT):
        make_tree(tmp_path, f"image-{age}", age)
    recent = make_tree(tmp_path, "image-recent", USE_TIMEOUT_S - 60)
    used = make_tree(tmp_path, "image-used", 2 * USE_TIMEOUT_S)
    other = make_tree(tmp_path, "other-1", 2 * USE_TIMEOUT_S)

    remove_unused_trees(tmp_path, "image", {used}, NOW)

    assert {recent, used, other} <= set(tmp_path.iterdir())


def test_a_disk_that_the_cache_has_is_not_built_again(tmp_path: Path) -> None:
    disk = tmp_path / "disks" / compute_tree_name(MARIADB_RECIPE) / DISK_FILE
    disk.parent.mkdir(parents=True)

    provided = provide_disk(MARIADB_RECIPE, pytest.fail, tmp_path)

    assert provided == disk
