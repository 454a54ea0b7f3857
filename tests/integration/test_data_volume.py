"""The data volume on loop devices, with the programs that make, mount and grow real file systems."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.errors import InvalidMetadata, VolumeError
from guestagent.metadata.server_metadata import parse_volume_declaration
from guestagent.strict_json import parse_object
from guestagent.volume import VolumeResult, grow_volume, read_volume_state
from guestagent.volume.growth import REQUEST_FILE
from guestagent.volume.instance_data import read_instance_data
from guestagent.volume.observation import build_label
from guestagent.volume.record import VolumeRecord, read_record, write_record
from tests.support import volume_images
from tests.support.volume_host import (
    DATA_FILES,
    GIB,
    INSTANCE_ID,
    OTHER_ID,
    VOLUME_ID,
    VolumeHost,
    make_image,
    open_host,
    read_data,
)

SAME_BEGINNING = f"{VOLUME_ID[:24]}000000000000"
"""Another volume, of which virtio's serial and the label are the same."""
needs_loops = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("losetup") or not Path("/dev/loop-control").exists(),
    reason="loop devices need root",
)
pytestmark = needs_loops


@pytest.fixture
def host(tmp_path: Path) -> Iterator[VolumeHost]:
    with open_host(tmp_path / "host") as opened:
        yield opened


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return make_image(tmp_path / "volume.img")


def expect_refusal(host: VolumeHost, image: Path, *, name: str = "vdb") -> str:
    """Run the unit, which must refuse the volume and leave it as it is. Return the reason."""
    before = volume_images.compute_digest(image)

    with pytest.raises(VolumeError) as raised:
        host.set_up()

    host.detach(name)
    state = read_volume_state(host.paths.run)
    assert state is not None
    assert (state.result, state.reason) == (VolumeResult.FAILED, str(raised.value))
    assert host.list_mounts() == []
    assert volume_images.compute_digest(image) == before
    assert read_data(host.paths.data) == DATA_FILES
    return str(raised.value)


def run_killed(host: VolumeHost, number: int) -> int:
    """Run the unit in a process that is killed before the effect of this number. Return the count if it ends."""
    argv = [sys.executable, "-m", "tests.support.volume_killed_at_event", str(host.folder), str(number)]
    result = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert result.returncode in (0, -9), result.stderr
    return int(result.stdout or 0)


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


def test_a_volume_that_is_mounted_elsewhere_is_refused(host: VolumeHost, image: Path, tmp_path: Path) -> None:
    host.declare()
    device = host.attach(image)
    host.set_up()
    host.reboot()
    (host.folder / "elsewhere").mkdir()
    subprocess.run(["mount", device, host.folder / "elsewhere"], check=True)

    with pytest.raises(VolumeError, match=r"vdb is mounted at .*/elsewhere"):
        host.set_up()


def test_two_devices_with_the_serial_are_refused(host: VolumeHost, image: Path, tmp_path: Path) -> None:
    host.declare()
    host.attach(image)
    host.attach(make_image(tmp_path / "other.img"), name="vdc")

    assert expect_refusal(host, image).endswith(f"{VOLUME_ID}: vdb, vdc")


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


def test_an_invalid_declaration_is_a_failure(host: VolumeHost) -> None:
    host.write_instance_data({"meta": {"guestagent_volume": '{"Id": "vdb"}'}})

    with pytest.raises(InvalidMetadata, match="guestagent_volume"):
        host.set_up()

    state = read_volume_state(host.paths.run)
    assert state is not None
    assert state.result is VolumeResult.FAILED


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


def test_a_boot_without_metadata_and_with_a_torn_record_does_not_use_the_root_disk(host: VolumeHost) -> None:
    host.paths.state.mkdir()
    (host.paths.state / "volume.json").write_bytes(b"\0" * 300)

    with pytest.raises(VolumeError, match=r"the record of the volume .* cannot be read"):
        host.set_up()


def test_a_torn_record_is_replaced_if_the_metadata_are_there(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image)
    host.paths.state.mkdir()
    (host.paths.state / "volume.json").write_bytes(b"\0" * 300)

    state = host.set_up()

    assert state.result is VolumeResult.MOUNTED
    assert read_record(host.paths.state) is not None


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


@pytest.mark.parametrize("file_system", ["xfs", "ext4"])
@pytest.mark.parametrize("from_end", [False, True], ids=["from-begin", "from-end"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_an_interrupted_format_is_repeated(
    host: VolumeHost, image: Path, file_system: str, from_end: bool, share: float
) -> None:
    label = build_label(VOLUME_ID)
    volume_images.tear_file_system(image, kind=file_system, label=label, share=share, from_end=from_end)
    host.declare(file_system=file_system)
    host.attach(image)
    record_format(host)

    state = host.set_up()

    assert state.is_formatted
    assert read_data(host.paths.data) == DATA_FILES
    record = read_record(host.paths.state)
    assert record is not None
    assert not record.is_formatting


@pytest.mark.parametrize(
    ("file_system", "share", "from_end", "reason"),
    [
        ("ext4", 0.9, True, "vdb is not blank: it holds bytes that are not zero"),
        ("ext4", 0.5, False, "the file system on vdb cannot be read: mount failed"),
        ("xfs", 0.5, False, "the file system on vdb cannot be read: mount failed"),
    ],
)
def test_a_format_that_another_root_disk_has_begun_is_refused(
    host: VolumeHost, image: Path, file_system: str, share: float, from_end: bool, reason: str
) -> None:
    label = build_label(VOLUME_ID)
    volume_images.tear_file_system(image, kind=file_system, label=label, share=share, from_end=from_end)
    host.declare(file_system=file_system)
    host.attach(image)

    assert expect_refusal(host, image).startswith(reason)


def test_the_intent_of_a_format_never_costs_data(host: VolumeHost, image: Path) -> None:
    """A root disk that was put back to the moment of the format meets a volume with data."""
    host.declare()
    host.attach(image)
    host.set_up()
    (host.paths.data / "ibdata1").write_bytes(b"data of a year")
    host.reboot()
    record_format(host)

    state = host.set_up()

    assert not state.is_formatted
    assert (host.paths.data / "ibdata1").read_bytes() == b"data of a year"


def test_a_marker_that_cannot_be_read_is_no_reason_to_format(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image)
    host.set_up()
    (host.paths.root / "guestagent-volume.json").write_bytes(b"\0" * 200)
    host.reboot()
    record_format(host)

    reason = expect_refusal(host, image)

    assert reason.startswith("the marker guestagent-volume.json of the volume cannot be read")


def record_format(host: VolumeHost) -> None:
    """Record that this node has begun to format its volume."""
    instance_data = read_instance_data(host.paths.cloud_init)
    assert instance_data is not None
    declaration = parse_volume_declaration(instance_data.value)
    write_record(host.paths.state, VolumeRecord(INSTANCE_ID, declaration, is_formatting=True))


KILL_STEP = 3
"""A test takes every third point, and `make test` the first of the three series."""
patient = pytest.mark.patient


@pytest.mark.parametrize(
    ("file_system", "is_rebooted"),
    [
        pytest.param("xfs", True, id="xfs-rebooted"),
        pytest.param("ext4", False, id="ext4-killed"),
        pytest.param("xfs", False, id="xfs-killed", marks=patient),
        pytest.param("ext4", True, id="ext4-rebooted", marks=patient),
    ],
)
@pytest.mark.parametrize("first", [1, pytest.param(2, marks=patient), pytest.param(3, marks=patient)])
def test_a_run_that_is_killed_anywhere_is_continued(
    tmp_path: Path, file_system: str, is_rebooted: bool, first: int
) -> None:
    """The points are derived: every effect of a whole first run is one."""
    with open_host(tmp_path / "whole") as whole:
        whole.declare(file_system=file_system)
        whole.attach(make_image(tmp_path / "whole.img"))
        count = run_killed(whole, sys.maxsize)
    assert count > 30

    for number in range(first, count + 1, KILL_STEP):
        image = make_image(tmp_path / f"{number}.img")
        with open_host(tmp_path / str(number)) as host:
            host.declare(file_system=file_system)
            host.attach(image)
            assert run_killed(host, number) == 0
            assert read_data(host.paths.data) == DATA_FILES
            if is_rebooted:
                host.reboot()

            state = host.set_up()

            assert state.result is VolumeResult.MOUNTED, number
            assert host.is_on_volume()
            assert read_data(host.paths.data) == DATA_FILES
            names = {path.name for path in host.paths.root.iterdir()} - {"lost+found"}
            assert names == {"mysql", "guestagent-volume.json"}
            marker = parse_object((host.paths.root / "guestagent-volume.json").read_bytes(), 1)
            assert marker["has_data"] is True
        image.unlink()
