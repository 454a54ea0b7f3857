"""A first boot that is killed anywhere, and a format that was interrupted."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.metadata.server_metadata import parse_volume_declaration
from guestagent.strict_json import parse_object
from guestagent.volume import VolumeResult
from guestagent.volume.instance_data import read_instance_data
from guestagent.volume.marker_file import write_marker
from guestagent.volume.observation import build_label
from guestagent.volume.record import VolumeRecord, read_record, write_record
from tests.support import volume_images
from tests.support.volume_checks import expect_refusal, run_killed
from tests.support.volume_host import (
    DATA_FILES,
    INSTANCE_ID,
    VOLUME_ID,
    VolumeHost,
    make_image,
    open_host,
    read_data,
)

KILL_STEP = 4
"""A test takes every fourth point, and `make test` the first of the four series."""
patient = pytest.mark.patient


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


def test_a_copy_that_was_cut_begins_anew(host: VolumeHost, image: Path) -> None:
    host.declare()
    host.attach(image)
    marker = host.set_up().marker
    assert marker is not None
    host.paths.volume_data.rename(host.paths.copy)
    (host.paths.copy / "ibdata1").write_bytes(b"half")
    write_marker(host.paths.root, replace(marker, has_data=False))
    subprocess.run(["umount", str(host.paths.data)], check=True)
    host.reboot()

    host.set_up()

    assert read_data(host.paths.data) == DATA_FILES
    assert not host.paths.copy.exists()


@pytest.mark.parametrize(
    ("file_system", "is_rebooted"),
    [
        pytest.param("xfs", True, id="xfs-rebooted"),
        pytest.param("ext4", False, id="ext4-killed"),
        pytest.param("xfs", False, id="xfs-killed", marks=patient),
        pytest.param("ext4", True, id="ext4-rebooted", marks=patient),
    ],
)
@pytest.mark.parametrize("first", [1, *(pytest.param(first, marks=patient) for first in (2, 3, 4))])
@pytest.mark.timeout(900)
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
