"""Golden answers of `seed run` and `seed show`."""

from __future__ import annotations

from pathlib import Path

from guestagent.seeding import SeedFiles
from tests.unit.golden.golden_file import golden
from tests.unit.golden.node_commands import run_node_command
from tests.unit.golden.seed_files import FAILED, MOVING


@golden("answers/seed-run/no-request.json")
def build_run(folder: Path) -> str:
    return run_node_command(folder, "seed", "run")


@golden("answers/seed-show/moving.json")
def build_moving(folder: Path) -> str:
    SeedFiles(folder / "state").write_state(MOVING)
    return run_node_command(folder, "seed", "show", prose=("failure", "resumed"))


@golden("answers/seed-show/failed.json")
def build_failed(folder: Path) -> str:
    SeedFiles(folder / "state").write_state(FAILED)
    return run_node_command(folder, "seed", "show", prose=("failure", "advice"))
