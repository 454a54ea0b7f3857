"""The names of prepared databases, and the choice of those that are kept."""

from __future__ import annotations

import os
from pathlib import Path

from guestagent.embedded.real_heat.empty_databases import compute_digest
from guestagent.embedded.real_heat.prepared_folder import UNUSED_LIMIT_DAYS, remove_unused_templates

DAY = 86400.0
NOW = 1000 * DAY


def test_other_programs_take_other_databases() -> None:
    assert compute_digest("heat-common 1:19.0.0-2\n") == compute_digest("heat-common 1:19.0.0-2\n")
    assert compute_digest("heat-common 1:19.0.0-2\n") != compute_digest("heat-common 1:19.0.0-3\n")


def test_what_nobody_used_for_long_is_forgotten_and_nothing_else(tmp_path: Path) -> None:
    used(tmp_path / "debian-old", UNUSED_LIMIT_DAYS + 1)
    used(tmp_path / "debian-new", UNUSED_LIMIT_DAYS - 1)
    (tmp_path / "lock").touch()
    os.utime(tmp_path / "lock", (0, 0))

    remove_unused_templates(tmp_path, NOW)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["debian-new", "lock"]


def used(folder: Path, days_ago: float) -> None:
    (folder / "mysql").mkdir(parents=True)
    os.utime(folder, (NOW - days_ago * DAY,) * 2)
