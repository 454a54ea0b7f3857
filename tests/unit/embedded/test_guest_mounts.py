"""A guest's root file system as a plan: what of the machine is seen, and what is the guest's own."""

from __future__ import annotations

import shlex
from pathlib import Path

from guestagent.embedded.guests.mounts import (
    Again,
    Bind,
    Folder,
    Fresh,
    Host,
    Mount,
    Overlay,
    look,
    plan,
    script,
)

STATE = Path("/var/lib/cloud-of-ours")
GUEST = STATE / "guests/one"


def host(*needed: str, mounts: tuple[str, ...] = ("/", "/proc", "/sys", "/dev")) -> Host:
    return Host(mounts=tuple(map(Path, mounts)), needed=tuple(map(Path, needed)))


def binds(mounts: tuple[Mount, ...], *, writable: bool) -> list[str]:
    return [str(mount.target) for mount in mounts if isinstance(mount, Bind) and mount.writable is writable]


def test_only_folders_of_the_guest_can_be_written() -> None:
    mounts = plan(host("/usr"), GUEST, STATE)

    assert mounts[0] == Bind(Path("/"), Path("/"))
    assert binds(mounts, writable=True) == ["/var", "/root"]
    assert all(
        mount.source.is_relative_to(GUEST) for mount in mounts if isinstance(mount, Bind) and mount.writable
    )


def test_etc_is_the_machines_with_the_guests_changes() -> None:
    [overlay] = [mount for mount in plan(host(), GUEST, STATE) if isinstance(mount, Overlay)]

    assert overlay == Overlay(Path("/etc"), GUEST / "etc", GUEST / "etc.work", Path("/etc"))


def test_no_folder_of_a_guest_can_end_or_change_an_option_of_its_overlay() -> None:
    guest = Path("/srv/a, b:c\\d/guests/one")

    text = script(plan(host(), guest, guest.parent.parent), guest / "root")

    [line] = [line for line in text.splitlines() if "overlay" in line]
    assert shlex.split(line)[:2] == ["(cd", str(guest)]
    assert "-o lowerdir=/etc,upperdir=etc,workdir=etc.work '/srv/a, b:c\\d/guests/one/root/etc')" in line


def test_a_usr_on_a_disk_of_its_own_is_seen_too() -> None:
    mounts = plan(host("/usr", mounts=("/", "/usr", "/usr/share", "/boot", "/mnt/backup")), GUEST, STATE)

    assert binds(mounts, writable=False)[:3] == ["/", "/usr", "/usr/share"]


def test_an_interpreter_in_a_home_folder_is_shown_through_the_guests_own() -> None:
    python = Path("/root/.pyenv/versions/3.12")

    mounts = plan(host("/usr", str(python)), GUEST, STATE)

    assert mounts[-2:] == (Folder(python), Bind(python, python))
    assert mounts.index(Bind(GUEST / "root-home", Path("/root"), writable=True)) < len(mounts) - 2


def test_the_clouds_folder_is_seen_by_no_guest() -> None:
    beside = Path("/srv/checkout/state")

    hidden = plan(host("/srv/checkout"), beside / "guests/one", beside)[-1]
    within = plan(host("/tmp/checkout"), Path("/tmp/checkout/state/guests/one"), Path("/tmp/checkout/state"))[
        -1
    ]
    covered = plan(host("/usr"), GUEST, STATE)

    assert hidden == Fresh("tmpfs", beside, "ro,size=4k,mode=700")
    assert within == Fresh("tmpfs", Path("/tmp/checkout/state"), "ro,size=4k,mode=700")
    assert Fresh("tmpfs", STATE, "ro,size=4k,mode=700") not in covered


def test_a_server_that_is_not_this_machines_sees_the_guests_folders() -> None:
    programs = Path("/var/cache/roots/mysql")

    mounts = plan(host("/usr"), GUEST, STATE, programs)
    again = {mount.source: mount for mount in mounts if isinstance(mount, Again)}

    assert Bind(programs, Path("/run/server")) in mounts
    assert again[Path("/var")].target == Path("/run/server/var")
    assert not again[Path("/run")].deep, "it would hold itself"
    assert again[Path("/proc")].deep, "what is frozen in it must stay so"
    assert not [mount for mount in plan(host("/usr"), GUEST, STATE) if isinstance(mount, Again)]


def test_the_script_mounts_below_the_new_root_and_quotes() -> None:
    said = script(
        (Bind(Path("/a b"), Path("/a b")), Fresh("tmpfs", Path("/run"), "mode=755")), Path("/g/root")
    )

    assert said.splitlines() == [
        "mount --bind '/a b' '/g/root/a b'",
        "mount -o remount,bind,ro '/g/root/a b'",
        "mount -t tmpfs tmpfs -o mode=755 /g/root/run",
    ]


def test_this_machine_is_read_with_the_folders_of_this_interpreter() -> None:
    seen = look()

    assert Path("/usr") in seen.needed
    assert any(Path(__file__).is_relative_to(folder) for folder in seen.needed)
    assert Path("/") in seen.mounts
    assert not any(other in folder.parents for folder in seen.needed for other in seen.needed)
