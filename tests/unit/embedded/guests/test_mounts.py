"""A guest's root file system as a plan: which parts are the machine's, and which the guest's own."""

from __future__ import annotations

import shlex
from pathlib import Path

from guestagent.embedded.guests.mounts import (
    GuestBind,
    HostBind,
    HostMounts,
    Mount,
    MountPoint,
    NewFilesystem,
    OverlayMount,
    build_mount_commands,
    plan_mounts,
    read_host_mounts,
)

STATE = Path("/var/lib/cloud-of-ours")
GUEST = STATE / "guests/one"


def host(*needed: str, mounts: tuple[str, ...] = ("/", "/proc", "/sys", "/dev")) -> HostMounts:
    return HostMounts(mounts=tuple(map(Path, mounts)), program_folders=tuple(map(Path, needed)))


def binds(mounts: tuple[Mount, ...], *, writable: bool) -> list[str]:
    return [
        str(mount.target) for mount in mounts if isinstance(mount, HostBind) and mount.is_writable is writable
    ]


def test_only_folders_of_the_guest_can_be_written() -> None:
    mounts = plan_mounts(host("/usr"), GUEST, STATE)

    assert mounts[0] == HostBind(Path("/"), Path("/"))
    assert binds(mounts, writable=True) == ["/var", "/root"]
    assert all(
        mount.source.is_relative_to(GUEST)
        for mount in mounts
        if isinstance(mount, HostBind) and mount.is_writable
    )


def test_etc_is_the_machines_with_the_guests_changes() -> None:
    [overlay] = [mount for mount in plan_mounts(host(), GUEST, STATE) if isinstance(mount, OverlayMount)]

    assert overlay == OverlayMount(Path("/etc"), GUEST / "etc", GUEST / "etc.work", Path("/etc"))


def test_no_folder_of_a_guest_can_end_or_change_an_option_of_its_overlay() -> None:
    guest = Path("/srv/a, b:c\\d/guests/one")

    text = build_mount_commands(plan_mounts(host(), guest, guest.parent.parent), guest / "root")

    [line] = [line for line in text.splitlines() if "overlay" in line]
    assert shlex.split(line)[:2] == ["(cd", str(guest)]
    assert "-o lowerdir=/etc,upperdir=etc,workdir=etc.work '/srv/a, b:c\\d/guests/one/root/etc')" in line


def test_a_usr_on_a_separate_disk_is_visible_too() -> None:
    mounts = plan_mounts(
        host("/usr", mounts=("/", "/usr", "/usr/share", "/boot", "/mnt/backup")), GUEST, STATE
    )

    assert binds(mounts, writable=False)[:3] == ["/", "/usr", "/usr/share"]


def test_an_interpreter_in_a_home_folder_is_shown_through_the_guests_own() -> None:
    python = Path("/root/.pyenv/versions/3.12")

    mounts = plan_mounts(host("/usr", str(python)), GUEST, STATE)

    assert mounts[-2:] == (MountPoint(python), HostBind(python, python))
    assert mounts.index(HostBind(GUEST / "root-home", Path("/root"), is_writable=True)) < len(mounts) - 2


def test_the_clouds_folder_is_hidden_from_guests() -> None:
    beside = Path("/srv/checkout/state")

    hidden = plan_mounts(host("/srv/checkout"), beside / "guests/one", beside)[-1]
    within = plan_mounts(
        host("/tmp/checkout"), Path("/tmp/checkout/state/guests/one"), Path("/tmp/checkout/state")
    )[-1]
    covered = plan_mounts(host("/usr"), GUEST, STATE)

    assert hidden == NewFilesystem("tmpfs", beside, "ro,size=4k,mode=700")
    assert within == NewFilesystem("tmpfs", Path("/tmp/checkout/state"), "ro,size=4k,mode=700")
    assert NewFilesystem("tmpfs", STATE, "ro,size=4k,mode=700") not in covered


def test_a_server_that_is_not_this_machines_sees_the_guests_folders() -> None:
    programs = Path("/var/cache/roots/mysql")

    mounts = plan_mounts(host("/usr"), GUEST, STATE, programs)
    again = {mount.source: mount for mount in mounts if isinstance(mount, GuestBind)}

    assert HostBind(programs, Path("/run/server")) in mounts
    assert again[Path("/var")].target == Path("/run/server/var")
    assert not again[Path("/run")].is_recursive, "it would hold itself"
    assert again[Path("/proc")].is_recursive, "what is frozen in it must stay so"
    assert not [mount for mount in plan_mounts(host("/usr"), GUEST, STATE) if isinstance(mount, GuestBind)]


def test_the_script_mounts_below_the_new_root_and_quotes() -> None:
    message = build_mount_commands(
        (HostBind(Path("/a b"), Path("/a b")), NewFilesystem("tmpfs", Path("/run"), "mode=755")),
        Path("/g/root"),
    )

    assert message.splitlines() == [
        "mount --bind '/a b' '/g/root/a b'",
        "mount -o remount,bind,ro '/g/root/a b'",
        "mount -t tmpfs tmpfs -o mode=755 /g/root/run",
    ]


def test_this_machine_is_read_with_the_folders_of_this_interpreter() -> None:
    seen = read_host_mounts()

    assert Path("/usr") in seen.program_folders
    assert any(Path(__file__).is_relative_to(folder) for folder in seen.program_folders)
    assert Path("/") in seen.mounts
    assert not any(
        other in folder.parents for folder in seen.program_folders for other in seen.program_folders
    )
