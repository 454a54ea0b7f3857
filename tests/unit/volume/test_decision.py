"""What may be done with a volume: every kind of misuse is a row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.errors import VolumeError
from guestagent.metadata import DataVolume
from guestagent.metadata.server_metadata import VolumeDeclaration
from guestagent.volume.decision import VolumeAction, check_marker, decide_action, decide_by_content
from guestagent.volume.marker import Marker
from guestagent.volume.observation import DeviceObservation, build_label, is_serial_of
from guestagent.volume.superblock import FileSystem

VOLUME_ID = "3e9f5b0c-64d1-4c1e-9a55-0c6a3e2f7d18"
OTHER_ID = "3e9f5b0c-64d1-4c1e-9a55-000000000000"
"""Another volume whose serial and label are the same, because only the beginning of the id fits into them."""
GIB, MIB = 1 << 30, 1 << 20
NEW = VolumeDeclaration(DataVolume(VOLUME_ID, 10, is_new=True), "shop", "Master0000")
USED = VolumeDeclaration(DataVolume(VOLUME_ID, 10), "shop", "Master0000")
BLANK = DeviceObservation("vdb", 10 * GIB, is_blank=True)
FILE_SYSTEM = FileSystem("xfs", build_label(VOLUME_ID), 10 * GIB)
OURS = DeviceObservation("vdb", 10 * GIB, signatures=("xfs",), file_system=FILE_SYSTEM)
MARKER = Marker(VOLUME_ID, "shop", "Master0000", has_data=True)


@pytest.mark.parametrize("size_bytes", [10 * GIB, 10 * GIB - 16 * MIB])
def test_a_blank_volume_that_is_declared_new_is_formatted(size_bytes: int) -> None:
    observation = replace(BLANK, size_bytes=size_bytes)

    assert decide_action(NEW, observation, is_formatting=False) is VolumeAction.FORMAT


@pytest.mark.parametrize("declaration", [NEW, USED])
@pytest.mark.parametrize("size_bytes", [10 * GIB, 20 * GIB])
def test_a_volume_of_ours_is_mounted_and_never_formatted(
    declaration: VolumeDeclaration, size_bytes: int
) -> None:
    observation = replace(OURS, size_bytes=size_bytes)

    assert decide_action(declaration, observation, is_formatting=False) is VolumeAction.MOUNT


@pytest.mark.parametrize("is_formatting", [False, True])
@pytest.mark.parametrize("declaration", [NEW, USED])
@pytest.mark.parametrize(
    ("observation", "reason"),
    [
        (replace(BLANK, size_bytes=0), "vdb has a size of 0 bytes"),
        (replace(BLANK, is_read_only=True), "vdb is read-only"),
        (replace(OURS, is_read_only=True), "vdb is read-only"),
        (
            replace(BLANK, size_bytes=9 * GIB),
            "vdb has 9663676416 bytes, less than the 10 GiB that are declared",
        ),
        (
            replace(OURS, size_bytes=10 * GIB - 33 * MIB),
            "vdb has 10702815232 bytes, less than the 10 GiB that are declared",
        ),
        (replace(BLANK, users=("vdb1",)), "vdb is in use by vdb1"),
        (replace(OURS, users=("dm-0", "md0")), "vdb is in use by dm-0, md0"),
        (
            replace(BLANK, is_blank=False, signatures=("gpt", "PMBR")),
            "vdb holds something that is not this volume's: gpt, PMBR",
        ),
        (
            replace(BLANK, is_blank=True, signatures=("zfs_member",)),
            "vdb holds something that is not this volume's: zfs_member",
        ),
        (
            replace(OURS, file_system=replace(FILE_SYSTEM, label="backup")),
            "vdb holds something that is not this volume's: xfs",
        ),
        (
            replace(OURS, file_system=replace(FILE_SYSTEM, label="")),
            "vdb holds something that is not this volume's: xfs",
        ),
        (
            replace(OURS, signatures=(), file_system=replace(FILE_SYSTEM, label="ga-00000000")),
            "vdb holds something that is not this volume's: xfs",
        ),
        (
            replace(OURS, signatures=("xfs", "LVM2_member")),
            "vdb holds this volume's file system and also LVM2_member",
        ),
        (
            replace(OURS, signatures=("ext4",), file_system=replace(FILE_SYSTEM, kind="ext4")),
            "the file system on vdb is ext4, and xfs is declared",
        ),
        (
            replace(OURS, file_system=replace(FILE_SYSTEM, size_bytes=11 * GIB)),
            "the file system on vdb has 11811160064 bytes, and the device only 10737418240",
        ),
    ],
)
def test_anything_else_is_left_alone(
    declaration: VolumeDeclaration, observation: DeviceObservation, reason: str, is_formatting: bool
) -> None:
    with pytest.raises(VolumeError) as raised:
        decide_action(declaration, observation, is_formatting=is_formatting)

    assert str(raised.value) == reason
    assert raised.value.advice.startswith("nothing was touched")


@pytest.mark.parametrize(
    ("declaration", "observation", "reason"),
    [
        (USED, BLANK, "vdb is blank, and the volume is not declared new"),
        (
            USED,
            replace(BLANK, is_blank=False),
            "vdb holds no file system, and the volume is not declared new",
        ),
        (
            NEW,
            replace(BLANK, size_bytes=11 * GIB),
            "vdb has 11811160064 bytes, more than the 10 GiB that are declared",
        ),
        (NEW, replace(BLANK, is_blank=False), "vdb is not blank: it holds bytes that are not zero"),
        (
            NEW,
            replace(OURS, file_system=replace(FILE_SYSTEM, is_complete=False)),
            "the file system on vdb is incomplete: its format was interrupted elsewhere",
        ),
    ],
)
def test_a_volume_is_formatted_only_if_it_is_declared_new_and_proved_blank(
    declaration: VolumeDeclaration, observation: DeviceObservation, reason: str
) -> None:
    with pytest.raises(VolumeError) as raised:
        decide_action(declaration, observation, is_formatting=False)

    assert str(raised.value) == reason


@pytest.mark.parametrize(
    "observation",
    [
        replace(BLANK, is_blank=False),
        replace(OURS, file_system=replace(FILE_SYSTEM, is_complete=False)),
    ],
)
def test_a_format_that_this_node_has_begun_is_repeated(observation: DeviceObservation) -> None:
    assert decide_action(NEW, observation, is_formatting=True) is VolumeAction.FORMAT_AGAIN


@pytest.mark.parametrize("declaration", [NEW, USED])
@pytest.mark.parametrize("is_formatting", [False, True])
@pytest.mark.parametrize(
    "marker",
    [
        MARKER,
        replace(MARKER, has_data=False),
        Marker(VOLUME_ID),
        replace(MARKER, cluster=""),
    ],
)
def test_a_marked_volume_is_mounted(
    declaration: VolumeDeclaration, marker: Marker, is_formatting: bool
) -> None:
    names = {"mysql", "guestagent-volume.json"}

    action = decide_by_content(declaration, marker, names, is_formatting=is_formatting)

    assert action is VolumeAction.MOUNT


@pytest.mark.parametrize("is_formatting", [False, True])
@pytest.mark.parametrize(
    ("marker", "reason"),
    [
        (
            replace(MARKER, volume_id=OTHER_ID),
            f"the volume is marked as {OTHER_ID}: it is a copy of another volume",
        ),
        (
            replace(MARKER, cluster="mail"),
            "the volume belongs to cluster mail, and this is cluster shop",
        ),
        (
            replace(MARKER, node="Slave0000"),
            "the volume belongs to node Slave0000, and this is node Master0000",
        ),
    ],
)
def test_a_foreign_marker_is_refused(marker: Marker, reason: str, is_formatting: bool) -> None:
    with pytest.raises(VolumeError) as raised:
        decide_by_content(NEW, marker, set(), is_formatting=is_formatting)

    assert str(raised.value) == reason


def test_a_declaration_without_names_accepts_any_owner() -> None:
    check_marker(VolumeDeclaration(NEW.volume), MARKER)


@pytest.mark.parametrize("is_formatting", [False, True])
@pytest.mark.parametrize(
    ("declaration", "names", "reason"),
    [
        (NEW, {"lost+found", "mysql"}, "the volume has no marker, but holds mysql"),
        (USED, {"a", "b", "c", "d", "e", "f"}, "the volume has no marker, but holds a, b, c, d, e"),
        (USED, {"lost+found"}, "the volume holds no data, and is not declared new"),
    ],
)
def test_content_without_a_marker_is_refused(
    declaration: VolumeDeclaration, names: set[str], reason: str, is_formatting: bool
) -> None:
    with pytest.raises(VolumeError) as raised:
        decide_by_content(declaration, None, names, is_formatting=is_formatting)

    assert str(raised.value) == reason


@pytest.mark.parametrize(
    ("is_formatting", "action"), [(False, VolumeAction.MOUNT), (True, VolumeAction.FORMAT_AGAIN)]
)
def test_an_empty_file_system_of_ours_is_used_or_made_anew(is_formatting: bool, action: VolumeAction) -> None:
    names = {"lost+found", ".guestagent-volume.json.draft"}

    assert decide_by_content(NEW, None, names, is_formatting=is_formatting) is action


@pytest.mark.parametrize(
    ("serial", "is_it"),
    [
        (VOLUME_ID, True),
        (VOLUME_ID[:20], True),
        (VOLUME_ID[:19], False),
        ("", False),
        (VOLUME_ID.upper(), False),
        (OTHER_ID, False),
        (f"{VOLUME_ID}0", False),
    ],
)
def test_a_serial_is_the_id_or_as_much_of_it_as_virtio_passes_on(serial: str, is_it: bool) -> None:
    assert is_serial_of(serial, VOLUME_ID) is is_it


def test_a_label_fits_into_xfs() -> None:
    assert build_label(VOLUME_ID) == "ga-3e9f5b0c"
    assert len(build_label(VOLUME_ID)) <= 12
