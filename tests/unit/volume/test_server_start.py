"""Whether the database server may start, by the state of the volume and the mount at its data directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.errors import VolumeError
from guestagent.metadata import DataVolume
from guestagent.metadata.server_metadata import VolumeDeclaration
from guestagent.volume import VolumePaths, VolumeResult, VolumeState, check_server_start
from guestagent.volume.record import RECORD_FILE, VolumeRecord, write_record
from guestagent.volume.state_file import STATE_FILE, write_volume_state

DECLARATION = VolumeDeclaration(DataVolume("3e9f5b0c-64d1-4c1e-9a55-0c6a3e2f7d18", 20), "shop", "Master0000")
MOUNTED = VolumeState(VolumeResult.MOUNTED, DECLARATION, device="vdb", device_number="254:16")
RUNNING = VolumeState(VolumeResult.RUNNING)
FAILED = VolumeState(VolumeResult.FAILED, DECLARATION, "vdb is read-only", "nothing was touched")
ROOT_DISK = "22 1 254:1 / / rw - ext4 /dev/vda1 rw"


@pytest.fixture
def paths(tmp_path: Path) -> VolumePaths:
    paths = VolumePaths(
        data=tmp_path / "data", state=tmp_path / "state", run=tmp_path / "run", proc=tmp_path / "proc"
    )
    (paths.proc / "self").mkdir(parents=True)
    write_mounts(paths)
    return paths


def write_mounts(paths: VolumePaths, *mounts: str) -> None:
    """Write the table of mounts. Each of `mounts` is a device and a folder, mounted at the data directory."""
    lines = [f"80 22 {mount} {paths.data} rw - xfs /dev/vdb rw" for mount in mounts]
    (paths.proc / "self" / "mountinfo").write_text("\n".join([ROOT_DISK, *lines, ""]))


def test_a_node_without_a_volume_may_start(paths: VolumePaths) -> None:
    write_volume_state(paths.run, VolumeState(VolumeResult.NONE))

    check_server_start(paths)


def test_a_machine_on_which_the_unit_has_never_run_may_start(paths: VolumePaths) -> None:
    check_server_start(paths)


def test_a_mounted_data_directory_may_start(paths: VolumePaths) -> None:
    write_volume_state(paths.run, MOUNTED)
    write_mounts(paths, "254:16 /mysql")

    check_server_start(paths)


@pytest.mark.parametrize(
    ("mounts", "reason"),
    [
        ([], "the data volume is not mounted at"),
        (
            ["254:32 /mysql"],
            "is the mount of /mysql on device 254:32, and not of /mysql on the data volume, 254:16",
        ),
        (["254:16 /former"], "is the mount of /former on device 254:16"),
        (["254:16 /"], "is the mount of / on device 254:16"),
        (["254:16 /mysql", "0:50 /"], "is the mount of / on device 0:50"),
    ],
    ids=["unmounted", "another device", "a renamed folder", "the root of the volume", "a mount over it"],
)
def test_another_data_directory_may_not_start(paths: VolumePaths, mounts: list[str], reason: str) -> None:
    write_volume_state(paths.run, MOUNTED)
    write_mounts(paths, *mounts)

    with pytest.raises(VolumeError, match=reason):
        check_server_start(paths)


@pytest.mark.parametrize(
    ("state", "reason"),
    [(RUNNING, "is at work, or was killed"), (FAILED, "cannot be used: vdb is read-only")],
)
def test_a_volume_that_is_not_ready_may_not_start(
    paths: VolumePaths, state: VolumeState, reason: str
) -> None:
    write_volume_state(paths.run, state)
    write_mounts(paths, "254:16 /mysql")

    with pytest.raises(VolumeError, match=reason):
        check_server_start(paths)


def test_a_state_that_cannot_be_read_may_not_start(paths: VolumePaths) -> None:
    paths.run.mkdir()
    (paths.run / STATE_FILE).write_bytes(b"{")

    with pytest.raises(VolumeError, match="cannot be read"):
        check_server_start(paths)


def test_a_node_with_a_record_whose_unit_has_not_run_may_not_start(paths: VolumePaths) -> None:
    write_record(paths.state, VolumeRecord("6f1c1f6e", DECLARATION))

    with pytest.raises(VolumeError, match="has not been mounted since the boot"):
        check_server_start(paths)


def test_a_record_that_cannot_be_read_counts_as_one(paths: VolumePaths) -> None:
    paths.state.mkdir()
    (paths.state / RECORD_FILE).write_bytes(b"{")

    with pytest.raises(VolumeError, match="has not been mounted since the boot"):
        check_server_start(paths)
