"""What a boot does with a volume that it may use."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.errors import VolumeError
from guestagent.volume import VolumeResult, check_server_start, read_volume_state
from guestagent.volume.record import read_record
from tests.support import volume_images
from tests.support.volume_host import (
    DATA_FILES,
    GIB,
    INSTANCE_ID,
    OTHER_ID,
    VOLUME_ID,
    VolumeHost,
    read_data,
)


@pytest.mark.parametrize("file_system", ["xfs", "ext4"])
def test_a_blank_volume_takes_the_data_directory_of_the_image(
    host: VolumeHost, image: Path, file_system: str
) -> None:
    host.declare(file_system=file_system)
    host.attach(image)

    state = host.set_up()

    assert (state.result, state.is_formatted) == (VolumeResult.MOUNTED, True)
    assert state.device_bytes == state.file_system_bytes == GIB
    assert host.is_on_volume()
    assert read_data(host.paths.data) == DATA_FILES
    status = host.paths.data.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (101, 102, 0o750)
    assert host.paths.root.stat().st_mode & 0o777 == 0o700
    assert read_volume_state(host.paths.run) == state


@pytest.mark.parametrize("file_system", ["xfs", "ext4"])
def test_a_reboot_mounts_the_same_data(host: VolumeHost, image: Path, file_system: str) -> None:
    host.declare(file_system=file_system)
    host.attach(image)
    host.set_up()
    (host.paths.data / "ibdata1").write_bytes(b"changed")
    host.reboot()

    state = host.set_up()

    assert not state.is_formatted
    assert (host.paths.data / "ibdata1").read_bytes() == b"changed"


@pytest.mark.parametrize("file_system", ["xfs", "ext4"])
def test_a_volume_that_lost_power_replays_its_log(
    host: VolumeHost, image: Path, tmp_path: Path, file_system: str
) -> None:
    """What the image holds while it is mounted is what a power cut leaves."""
    host.declare(file_system=file_system)
    host.attach(image)
    host.set_up()
    with (host.paths.data / "ibdata1").open("wb") as file:
        file.write(b"committed")
        file.flush()
        os.fsync(file.fileno())
    remains = tmp_path / "remains.img"
    subprocess.run(["cp", "--sparse=always", image, remains], check=True)
    host.reboot()
    host.detach()
    host.attach(remains)

    state = host.set_up()

    assert not state.is_formatted
    assert (host.paths.data / "ibdata1").read_bytes() == b"committed"
    assert read_data(host.paths.data).keys() == DATA_FILES.keys()


def test_a_second_run_changes_nothing(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image)
    first = host.set_up()
    mounts = host.list_mounts()

    second = host.set_up()

    assert second == replace(first, is_formatted=False)
    assert host.list_mounts() == mounts


def test_a_server_without_the_key_is_left_as_it_is(host: VolumeHost, image: Path) -> None:
    host.write_instance_data({"meta": {"role": "source"}})
    host.attach(image)
    before = volume_images.compute_digest(image)

    state = host.set_up()

    assert state.result is VolumeResult.NONE
    assert host.list_mounts() == []
    assert not host.paths.state.exists()
    assert volume_images.compute_digest(image) == before


def test_a_volume_under_another_name_is_found(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image)
    host.set_up()
    host.reboot()
    host.detach()
    host.attach(image, name="sdx", serial=VOLUME_ID)

    state = host.set_up()

    assert state.device == "sdx"
    assert host.is_on_volume()


def test_a_copy_with_the_same_label_is_not_mounted(host: VolumeHost, image: Path, tmp_path: Path) -> None:
    host.declare(file_system="ext4")
    host.attach(image)
    host.set_up()
    host.reboot()
    host.detach()
    copy = tmp_path / "copy.img"
    subprocess.run(["cp", "--sparse=always", image, copy], check=True)
    host.attach(copy, name="vdb", serial=OTHER_ID[:20])
    host.attach(image, name="vdc")

    state = host.set_up()

    assert state.device == "vdc"


def test_a_volume_of_a_rebuilt_server_is_mounted_and_not_formatted(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image)
    host.set_up()
    (host.paths.data / "ibdata1").write_bytes(b"data of a year")
    host.reboot()
    shutil.rmtree(host.paths.state)

    state = host.set_up()

    assert not state.is_formatted
    assert (host.paths.data / "ibdata1").read_bytes() == b"data of a year"


def test_a_boot_without_metadata_uses_the_recorded_volume(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image)
    host.set_up()
    host.reboot()
    (host.paths.cloud_init / "instance-data.json").unlink()

    state = host.set_up()

    assert state.result is VolumeResult.MOUNTED
    record = read_record(host.paths.state)
    assert record is not None
    assert record.instance_id == INSTANCE_ID


def test_a_torn_record_is_replaced_if_the_metadata_are_there(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image)
    host.paths.state.mkdir()
    (host.paths.state / "volume.json").write_bytes(b"\0" * 300)

    state = host.set_up()

    assert state.result is VolumeResult.MOUNTED
    assert read_record(host.paths.state) is not None


def test_a_second_data_directory_takes_the_place_of_the_first(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image)
    host.set_up()
    root = host.paths.root
    (root / "received").mkdir()
    (root / "received" / "ibdata1").write_bytes(b"received")
    (root / "mysql").rename(root / "former")
    (root / "received").rename(root / "mysql")

    host.set_up()

    assert read_data(host.paths.data) == {"ibdata1": b"received"}
    assert host.list_mounts().count(str(host.paths.data)) == 1


def test_a_server_may_start_on_the_volume(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image)
    host.set_up()

    check_server_start(host.paths)


def test_a_server_may_not_start_after_an_umount_by_hand(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image)
    host.set_up()
    host.unmount()

    with pytest.raises(VolumeError, match="the data volume is not mounted"):
        check_server_start(host.paths)


def test_a_key_that_is_lost_after_a_boot_with_ec2_is_missed(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image)
    host.set_up()
    host.reboot()
    host.write_instance_data({}, platform="ec2", instance_id="i-00000001")
    host.set_up()
    host.reboot()
    host.write_instance_data({"meta": {}})

    with pytest.raises(VolumeError, match="have no guestagent_volume any more"):
        host.set_up()

    assert host.list_mounts() == []
