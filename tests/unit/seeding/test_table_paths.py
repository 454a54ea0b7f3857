"""Tables that lie outside of the data directory: their size at the source, and their place in a backup."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.errors import SeedError
from guestagent.seeding.donor.data_size import measure_data
from guestagent.seeding.donor.linked_tables import check_linked_tables
from guestagent.seeding.table_paths import remove_table_paths


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with a table in a schema."""
    data = tmp_path / "data"
    (data / "shop").mkdir(parents=True)
    (data / "shop" / "near.ibd").write_bytes(bytes(100))
    return data


def test_a_table_elsewhere_counts(tmp_path: Path, data: Path) -> None:
    (tmp_path / "far.ibd").write_bytes(bytes(7))
    (data / "shop" / "far.isl").write_text(f"{tmp_path}/far.ibd")

    size = measure_data(str(data), {})

    assert size == 107 + len(f"{tmp_path}/far.ibd")


def test_a_schema_that_is_a_link_counts(tmp_path: Path, data: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "letters.ibd").write_bytes(bytes(20))
    (data / "mail").symlink_to(tmp_path / "mail")

    assert measure_data(str(data), {}) == 120


def test_a_path_that_leads_nowhere_counts_nothing(data: Path) -> None:
    (data / "shop" / "far.isl").write_text("/nowhere")
    (data / "shop" / "lost.MYD").symlink_to("/nowhere")

    assert measure_data(str(data), {}) == 100 + len("/nowhere")


def test_a_backup_keeps_no_paths(data: Path) -> None:
    (data / "shop" / "far.isl").write_text("/elsewhere/far.ibd")

    remove_table_paths(data)

    assert [path.name for path in (data / "shop").iterdir()] == ["near.ibd"]


def test_aria_tables_that_are_links_are_named(data: Path) -> None:
    for name in ("far.MAD", "far.MAI", "old.MYD"):
        (data / "shop" / name).symlink_to("/elsewhere")
    (data / "shop" / "near.MAD").touch()

    with pytest.raises(SeedError, match=r"Aria tables with a DATA DIRECTORY: shop\.far$") as failure:
        check_linked_tables(str(data))

    assert not failure.value.is_transient


def test_links_of_other_tables_are_no_obstacle(data: Path) -> None:
    (data / "shop" / "old.MYD").symlink_to("/elsewhere")

    check_linked_tables(str(data))
