"""A volume that has grown: xfs while it is mounted, ext4 at the next boot."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from guestagent.volume import grow_volume, read_volume_state
from guestagent.volume.growth import REQUEST_FILE
from tests.support.volume_host import (
    DATA_FILES,
    GIB,
    VolumeHost,
    read_data,
)


def test_an_xfs_grows_while_it_is_mounted(host: VolumeHost, image: Path, tmp_path: Path) -> None:
    host.declare()
    host.attach(image)
    host.set_up()
    host.resize(image, 2)
    request = tmp_path / "agent" / REQUEST_FILE
    request.parent.mkdir()
    request.touch()

    state = grow_volume(host.environment, request.parent)

    assert (state.device_bytes, state.file_system_bytes, state.growth_error) == (2 * GIB, 2 * GIB, "")
    assert os.statvfs(host.paths.data).f_blocks * 4096 > 1.9 * GIB
    assert not request.exists()
    assert read_volume_state(host.paths.run) == state


@pytest.mark.parametrize("file_system", ["xfs", "ext4"])
def test_a_file_system_grows_at_a_boot(host: VolumeHost, image: Path, file_system: str) -> None:
    host.declare(file_system=file_system)
    host.attach(image)
    host.set_up()
    host.reboot()
    host.resize(image, 2)

    state = host.set_up()

    assert (state.device_bytes, state.file_system_bytes, state.growth_error) == (2 * GIB, 2 * GIB, "")
    assert read_data(host.paths.data) == DATA_FILES


def test_a_mounted_ext4_names_the_reboot_that_it_waits_for(
    host: VolumeHost, image: Path, tmp_path: Path
) -> None:
    host.declare(file_system="ext4")
    host.attach(image)
    host.set_up()
    host.resize(image, 2)

    state = grow_volume(host.environment, tmp_path)

    assert (state.device_bytes, state.file_system_bytes) == (2 * GIB, GIB)
    assert state.growth_error == "an ext4 grows when it is mounted: reboot the node"
