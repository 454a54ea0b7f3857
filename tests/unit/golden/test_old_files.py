"""Files of earlier versions and of people stay readable, with the same meaning."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.golden.embedded_files import end_processes
from tests.unit.golden.freeze import CHECKSUMS, freeze, read_checksums, take_checksums
from tests.unit.golden.golden_file import WRITTEN_BY
from tests.unit.golden.old_files import find_reader


@pytest.mark.parametrize("name", sorted(read_checksums(WRITTEN_BY)))
def test_an_old_file_is_read_as_before(name: str, tmp_path: Path) -> None:
    read, value = find_reader(name)

    assert read(WRITTEN_BY / name, tmp_path) == value, f"{WRITTEN_BY / name} is read differently"


def test_old_files_are_only_added() -> None:
    assert take_checksums(WRITTEN_BY) == read_checksums(WRITTEN_BY), f"see {CHECKSUMS} in {WRITTEN_BY}"


def test_the_files_of_a_version_are_kept_once(tmp_path: Path) -> None:
    freeze("0.1.0", tmp_path)

    assert take_checksums(tmp_path) == read_checksums(tmp_path)
    with pytest.raises(FileExistsError):
        freeze("0.1.0", tmp_path)


def test_processes_of_an_earlier_run_are_looked_for(tmp_path: Path) -> None:
    file = tmp_path / "processes.json"
    file.write_text('{"4194305": 1763920860.25}')  # no process has so high a number

    end_processes(tmp_path)

    assert not file.exists()
