"""A folder that is made once: complete or absent, and kept while it is used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guestagent.embedded.real_heat.prepared_folder import compute_source_digest, open_prepared_folder

LONG_AGO = 1_000_000_000


def fill(draft: Path) -> None:
    draft.mkdir()
    (draft / "data").write_text("tables")


def open_folder(folder: Path) -> Path:
    return open_prepared_folder(folder / "heat-1", folder / "draft", folder / "lock", fill)


def test_a_folder_is_made_once_and_marked_as_used_each_time(tmp_path: Path) -> None:
    made = open_folder(tmp_path)
    (made / "data").write_text("the first one")
    os.utime(made, (LONG_AGO, LONG_AGO))

    again = open_folder(tmp_path)

    assert again == made == tmp_path / "heat-1"
    assert (again / "data").read_text() == "the first one"
    assert again.stat().st_mtime > LONG_AGO
    assert not (tmp_path / "draft").exists()


def test_a_folder_that_was_not_completed_is_made_anew(tmp_path: Path) -> None:
    def fail(draft: Path) -> None:
        fill(draft)
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        open_prepared_folder(tmp_path / "heat-1", tmp_path / "draft", tmp_path / "lock", fail)
    assert not (tmp_path / "heat-1").exists()

    assert (open_folder(tmp_path) / "data").read_text() == "tables"


def test_a_digest_changes_with_the_packages_and_with_our_files(tmp_path: Path) -> None:
    source = tmp_path / "source.py"
    source.write_text("1")
    first = compute_source_digest("heat 19", [source])
    source.write_text("2")

    digests = {first, compute_source_digest("heat 19", [source]), compute_source_digest("heat 27", [source])}

    assert len(digests) == 3
