"""Golden answers of `volume mount`, `volume check`, `volume grow` and `volume show`."""

from __future__ import annotations

from pathlib import Path

from guestagent.volume.state_file import write_volume_state
from tests.unit.golden.golden_file import golden
from tests.unit.golden.node_commands import add_error, run_node_command
from tests.unit.golden.volume_files import FAILED, MOUNTED

add_error("volume-show/not-run", "volume", "show")
add_error("volume-grow/not-mounted", "volume", "grow")
add_error(
    "volume-check/unmounted",
    *("volume", "check"),
    prepare=lambda folder: write_volume_state(folder / "volume-state", MOUNTED),
)


@golden("answers/volume-mount/no-volume.json")
def build_mount(folder: Path) -> str:
    return run_node_command(folder, "volume", "mount")


@golden("answers/volume-show/mounted.json")
def build_mounted(folder: Path) -> str:
    write_volume_state(folder / "volume-state", MOUNTED)
    return run_node_command(folder, "volume", "show", prose=("growth_error",))


@golden("answers/volume-show/failed.json")
def build_failed(folder: Path) -> str:
    write_volume_state(folder / "volume-state", FAILED)
    return run_node_command(folder, "volume", "show", prose=("reason", "advice"))


@golden("answers/volume-check/no-volume.json")
def build_check(folder: Path) -> str:
    return run_node_command(folder, "volume", "check")
