"""The folders of seeds that `guestagent doctor` names."""

from __future__ import annotations

from pathlib import Path

from guestagent.agent.doctor.finding import Grade
from guestagent.agent.doctor.seed_remains import check_seed_remains
from guestagent.agent.seed_record import SeedRecord
from guestagent.seeding.seed_folder import find_seed_folder


def test_the_folder_of_a_seed_that_is_over_is_named_with_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "mysql").mkdir()
    folder = find_seed_folder(str(tmp_path / "mysql"), "a1")
    folder.old.mkdir(parents=True)
    (folder.old / "ibdata1").write_bytes(b"x" * (3 << 20))

    [finding] = check_seed_remains(str(tmp_path / "mysql"), SeedRecord("b2", "task"))

    assert (finding.topic, finding.name, finding.grade) == ("disk", "seed", Grade.WARN)
    assert f"{folder.path}: 3 MiB of a seed that has ended, with the server's old data" in finding.actual
    assert "remove the folder" in finding.advice


def test_the_folder_of_the_seed_that_is_going_on_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "mysql").mkdir()
    find_seed_folder(str(tmp_path / "mysql"), "a1").path.mkdir()

    assert list(check_seed_remains(str(tmp_path / "mysql"), SeedRecord("a1", "task"))) == []


def test_a_data_directory_that_cannot_be_read_is_a_finding(tmp_path: Path) -> None:
    [finding] = check_seed_remains(str(tmp_path / "nowhere"), None)

    assert finding.actual.startswith("cannot read the data directory")
