"""Devices that must not be formatted: they are left untouched."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from guestagent.errors import InvalidMetadata, VolumeError
from guestagent.volume import VolumeResult, read_volume_state
from tests.support import volume_images
from tests.support.volume_checks import expect_refusal
from tests.support.volume_host import (
    VOLUME_ID,
    VolumeHost,
    make_image,
)


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (volume_images.write_partition_table, "vdb holds something that is not this volume's: dos"),
        (volume_images.write_gpt, "vdb holds something that is not this volume's: gpt, PMBR"),
        (volume_images.write_lvm_label, "vdb holds something that is not this volume's: LVM2_member"),
        (volume_images.write_luks_header, "vdb holds something that is not this volume's: crypto_LUKS"),
        (volume_images.write_swap, "vdb holds something that is not this volume's: swap"),
        (volume_images.write_other_ext4, "vdb holds something that is not this volume's: ext4"),
        (volume_images.write_other_xfs, "vdb holds something that is not this volume's: xfs"),
        (volume_images.write_first_bytes, "vdb is not blank: it holds bytes that are not zero"),
        (volume_images.write_last_byte, "vdb is not blank: it holds bytes that are not zero"),
    ],
    ids=["mbr", "gpt", "lvm", "luks", "swap", "ext4", "xfs", "first-bytes", "last-byte"],
)
def test_a_volume_that_holds_something_is_left_untouched(
    host: VolumeHost, image: Path, write: Callable[[Path], None], reason: str
) -> None:
    write(image)
    host.declare()
    host.attach(image)

    assert expect_refusal(host, image) == reason


def test_a_blank_volume_that_is_not_declared_new_is_left_untouched(host: VolumeHost, image: Path) -> None:
    host.declare(is_new=False)
    host.attach(image)

    reason = expect_refusal(host, image)

    assert reason == "vdb is blank, and the volume is not declared new"


def test_a_read_only_volume_is_refused(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image, read_only=True)

    assert expect_refusal(host, image) == "vdb is read-only"


def test_a_device_without_a_size_is_refused(host: VolumeHost, tmp_path: Path) -> None:
    empty = make_image(tmp_path / "empty.img", 0)
    host.declare()
    host.attach(empty)

    assert expect_refusal(host, empty) == "vdb has a size of 0 bytes"


@pytest.mark.parametrize(
    ("gibibytes", "reason"),
    [
        (1, "vdb has 1073741824 bytes, less than the 2 GiB that are declared"),
        (3, "vdb has 3221225472 bytes, more than the 2 GiB that are declared"),
    ],
)
def test_a_blank_volume_of_another_size_is_refused(
    host: VolumeHost, tmp_path: Path, gibibytes: int, reason: str
) -> None:
    other = make_image(tmp_path / "other.img", gibibytes)
    host.declare(size_gib=2)
    host.attach(other)

    assert expect_refusal(host, other) == reason


def test_a_missing_volume_is_refused(host: VolumeHost) -> None:
    host.declare()

    with pytest.raises(VolumeError, match=f"no block device has the serial of volume {VOLUME_ID} after 5 s"):
        host.set_up()

    assert host.list_mounts() == []


def test_two_devices_with_the_serial_are_refused(host: VolumeHost, image: Path, tmp_path: Path) -> None:
    host.declare()
    host.attach(image)
    host.attach(make_image(tmp_path / "other.img"), name="vdc")

    assert expect_refusal(host, image).endswith(f"{VOLUME_ID}: vdb, vdc")


def test_a_volume_that_is_mounted_elsewhere_is_refused(host: VolumeHost, image: Path, tmp_path: Path) -> None:
    host.declare()
    device = host.attach(image)
    host.set_up()
    host.reboot()
    (host.folder / "elsewhere").mkdir()
    subprocess.run(["mount", device, host.folder / "elsewhere"], check=True)

    with pytest.raises(VolumeError, match=r"vdb is mounted at .*/elsewhere"):
        host.set_up()


def test_an_invalid_declaration_is_a_failure(host: VolumeHost) -> None:
    host.write_instance_data({"meta": {"guestagent_volume": '{"Id": "vdb"}'}})

    with pytest.raises(InvalidMetadata, match="guestagent_volume"):
        host.set_up()

    state = read_volume_state(host.paths.run)
    assert state is not None
    assert state.result is VolumeResult.FAILED


def test_a_boot_without_metadata_and_with_a_torn_record_does_not_use_the_root_disk(host: VolumeHost) -> None:
    host.paths.state.mkdir()
    (host.paths.state / "volume.json").write_bytes(b"\0" * 300)

    with pytest.raises(VolumeError, match=r"the record of the volume .* cannot be read"):
        host.set_up()
