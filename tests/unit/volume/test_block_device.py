"""The search for the volume's device, in a sysfs of the test."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestagent.errors import VolumeError
from guestagent.retry import FakeClock
from guestagent.volume.block_device import BlockDevice, read_device_bytes, wait_for_device

VOLUME_ID = "3e9f5b0c-64d1-4c1e-9a55-0c6a3e2f7d18"
VIRTIO_SERIAL = VOLUME_ID[:20]


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A folder with /sys and /dev of a machine that has a root disk."""
    (tmp_path / "dev/disk/by-id").mkdir(parents=True)
    add_disk(tmp_path, "vda", "254:0", serial="")
    return tmp_path


def add_disk(machine: Path, name: str, number: str, **files: str | bytes) -> None:
    folder = machine / "sys/block" / name
    (folder / "device").mkdir(parents=True)
    (folder / "dev").write_text(f"{number}\n")
    (folder / "size").write_text("2097152\n")
    (machine / "dev" / name).touch()
    for path, content in files.items():
        target = folder / path.replace("__", "/")
        target.write_bytes(content if isinstance(content, bytes) else f"{content}\n".encode())


def find(machine: Path, clock: FakeClock | None = None) -> BlockDevice:
    return wait_for_device(VOLUME_ID, machine / "sys", machine / "dev", clock or FakeClock(), 30.0)


@pytest.mark.parametrize(
    "files",
    [
        {"serial": VIRTIO_SERIAL},
        {"device__serial": VOLUME_ID},
        {"device__vpd_pg80": b"\x00\x80\x00\x24" + VOLUME_ID.encode()},
        {"device__vpd_pg80": b"\x00\x80\x00\x14" + VIRTIO_SERIAL.encode()},
    ],
    ids=["virtio", "nvme", "scsi", "scsi-short"],
)
def test_a_disk_is_found_by_its_serial_in_sysfs(machine: Path, files: dict[str, str | bytes]) -> None:
    add_disk(machine, "sdq", "65:0", **files)

    assert find(machine) == BlockDevice("sdq", machine / "dev/sdq", "65:0")


@pytest.mark.parametrize(
    "link",
    [f"virtio-{VIRTIO_SERIAL}", f"scsi-0QEMU_QEMU_HARDDISK_{VIRTIO_SERIAL}", f"nvme-Cinder_{VOLUME_ID}"],
)
def test_a_disk_is_found_by_the_name_that_udev_makes_of_its_serial(machine: Path, link: str) -> None:
    add_disk(machine, "vdb", "254:16")
    (machine / "dev/disk/by-id" / link).symlink_to("../../vdb")

    assert find(machine).name == "vdb"


def test_the_link_of_a_partition_is_not_the_disk(machine: Path) -> None:
    add_disk(machine, "vdb", "254:16", serial=VIRTIO_SERIAL)
    (machine / "dev/vdb1").touch()
    (machine / "dev/disk/by-id" / f"virtio-{VIRTIO_SERIAL}-part1").symlink_to("../../vdb1")

    assert find(machine).name == "vdb"


def test_a_link_that_leads_nowhere_is_ignored(machine: Path) -> None:
    (machine / "dev/disk/by-id" / f"virtio-{VIRTIO_SERIAL}").symlink_to("../../vdz")

    with pytest.raises(VolumeError, match="no block device has the serial"):
        find(machine)


def test_a_volume_that_is_attached_late_is_waited_for(machine: Path) -> None:
    class Attachment(FakeClock):
        """A clock at whose third sleep the volume is attached."""

        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if len(self.slept) == 3:
                add_disk(machine, "vdb", "254:16", serial=VIRTIO_SERIAL)

    clock = Attachment()

    assert find(machine, clock).name == "vdb"
    assert len(clock.slept) == 3


def test_a_missing_volume_is_reported_after_the_timeout(machine: Path) -> None:
    clock = FakeClock()

    with pytest.raises(VolumeError) as raised:
        find(machine, clock)

    assert str(raised.value) == f"no block device has the serial of volume {VOLUME_ID} after 30 s"
    assert sum(clock.slept) == 30


def test_two_disks_with_one_serial_are_refused(machine: Path) -> None:
    add_disk(machine, "vdb", "254:16", serial=VIRTIO_SERIAL)
    add_disk(machine, "vdc", "254:32", serial=VIRTIO_SERIAL)

    with pytest.raises(VolumeError, match=r"more than one block device .*: vdb, vdc"):
        find(machine)


def test_the_size_of_a_missing_device_is_zero(machine: Path) -> None:
    sizes = [read_device_bytes(machine / "sys", name) for name in ("vda", "vdz")]

    assert sizes == [1 << 30, 0]
