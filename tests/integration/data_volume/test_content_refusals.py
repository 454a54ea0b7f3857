"""Volumes with a file system of guestagent that this node must not use, and data that cannot be moved."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

import pytest

from guestagent.errors import VolumeError
from tests.support.volume_checks import expect_refusal
from tests.support.volume_host import (
    DATA_FILES,
    GIB,
    VOLUME_ID,
    VolumeHost,
    read_data,
)

SAME_BEGINNING = f"{VOLUME_ID[:24]}000000000000"
"""Another volume, of which virtio's serial and the label are the same."""


@pytest.mark.parametrize("file_system", ["xfs", "ext4"])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"volume_id": SAME_BEGINNING},
            f"the volume is marked as {VOLUME_ID}: it is a copy of another volume",
        ),
        ({"node": "Slave0000"}, "the volume belongs to node Master0000, and this is node Slave0000"),
        ({"cluster": "mail"}, "the volume belongs to cluster shop, and this is cluster mail"),
    ],
    ids=["volume", "node", "cluster"],
)
def test_the_volume_of_another_is_left_untouched(
    host: VolumeHost, image: Path, file_system: str, changes: dict[str, str], reason: str
) -> None:
    host.declare(file_system=file_system)
    host.attach(image)
    host.set_up()
    host.reboot()
    host.declare(file_system=file_system, **changes)  # type: ignore[arg-type]

    assert expect_refusal(host, image) == reason


def test_another_file_system_than_the_declared_one_is_refused(host: VolumeHost, image: Path) -> None:
    host.declare(file_system="ext4")
    host.attach(image)
    host.set_up()
    host.reboot()
    host.declare(file_system="xfs")

    assert expect_refusal(host, image) == "the file system on vdb is ext4, and xfs is declared"


def test_a_volume_that_lost_its_marker_is_refused(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image)
    host.set_up()
    (host.paths.root / "guestagent-volume.json").unlink()
    host.reboot()

    assert expect_refusal(host, image) == "the volume has no marker, but holds mysql"


def test_a_volume_that_lost_its_data_directory_is_refused(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image)
    host.set_up()
    host.unmount()
    host.set_up()
    subprocess.run(["umount", str(host.paths.data)], check=True)
    (host.paths.root / "mysql").rename(host.paths.root / "former")

    with pytest.raises(VolumeError, match="the volume holds no folder mysql"):
        host.set_up()

    assert str(host.paths.data) not in host.list_mounts()


def test_a_data_directory_that_does_not_fit_stays_on_the_root_disk(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image)
    with (host.paths.data / "large").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, GIB + GIB // 10)

    with pytest.raises(VolumeError, match=r"bytes, and only .* are free on the volume"):
        host.set_up()

    assert host.list_mounts() == []
    assert (host.paths.data / "ibdata1").read_bytes() == DATA_FILES["ibdata1"]


def test_a_volume_that_was_too_small_is_filled_after_space_was_freed(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image)
    with (host.paths.data / "large").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, GIB + GIB // 10)
    with pytest.raises(VolumeError):
        host.set_up()
    (host.paths.data / "large").unlink()

    state = host.set_up()

    assert not state.is_formatted
    assert read_data(host.paths.data) == DATA_FILES


def test_the_data_directory_of_a_running_server_is_not_taken_away(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image)
    with (host.paths.data / "ibdata1").open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)

        with pytest.raises(VolumeError, match=r"a database server uses .*/ibdata1"):
            host.set_up()

    assert host.list_mounts() == []


def test_a_folder_in_the_place_of_the_marker_is_refused(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image)
    host.set_up()
    marker = host.paths.root / "guestagent-volume.json"
    marker.unlink()
    marker.mkdir()
    host.reboot()

    assert expect_refusal(host, image).startswith(
        "the marker guestagent-volume.json of the volume cannot be read"
    )


def test_a_data_directory_that_is_a_link_to_another_disk_is_refused(
    host: VolumeHost, image: Path, tmp_path: Path
) -> None:
    host.declare()
    host.attach(image)
    host.set_up()
    subprocess.run(["umount", str(host.paths.data)], check=True)
    (host.paths.root / "mysql").rename(host.paths.root / "former")
    (host.paths.root / "mysql").symlink_to(tmp_path)
    host.reboot()

    with pytest.raises(VolumeError, match="mysql on the volume is no folder of the volume"):
        host.set_up()

    assert host.list_mounts() == []
