"""The kernel's tables of mounts and locks."""

from __future__ import annotations

from guestagent.volume.mount_table import Mount, find_mount, list_targets, parse_lock_owners, parse_mounts

MOUNTS = r"""22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
80 22 254:16 / /var/lib/guestagent-volume rw,noatime shared:40 - xfs /dev/vdb rw
81 22 254:16 /mysql /var/lib/mysql rw,noatime shared:40 - xfs /dev/vdb rw
82 22 254:32 /a\040b /mnt/with\040blank rw master:1 propagate_from:2 - ext4 /dev/vdc rw
83 22 0:50 / /var/lib/mysql rw - tmpfs tmpfs rw
"""
LOCKS = """1: POSIX  ADVISORY  WRITE 11415 fe:10:6540 0 EOF
2: FLOCK  ADVISORY  WRITE 10403 00:2d:5253 0 EOF
2: -> POSIX  ADVISORY  WRITE 10404 00:2d:5254 0 EOF
3: OFDLCK ADVISORY  READ -1 00:06:1 0 0
"""


def test_a_mount_has_its_device_its_folder_and_its_target() -> None:
    mounts = parse_mounts(MOUNTS)

    assert mounts[2] == Mount("254:16", "/mysql", "/var/lib/mysql")
    assert mounts[3] == Mount("254:32", "/a b", "/mnt/with blank")


def test_the_newest_mount_of_a_target_is_the_visible_one() -> None:
    mounts = parse_mounts(MOUNTS)

    assert find_mount(mounts, "/var/lib/mysql") == Mount("0:50", "/", "/var/lib/mysql")
    assert find_mount(mounts, "/var/lib") is None


def test_a_device_may_be_mounted_at_several_places() -> None:
    targets = list_targets(parse_mounts(MOUNTS), "254:16")

    assert targets == ("/var/lib/guestagent-volume", "/var/lib/mysql")


def test_locked_files_are_those_that_are_held_or_waited_for() -> None:
    owners = parse_lock_owners(LOCKS)

    assert owners == {(0xFE, 0x10, 6540), (0, 0x2D, 5253), (0, 0x2D, 5254), (0, 6, 1)}
