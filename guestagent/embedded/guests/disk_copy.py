"""A new guest's disk as a copy of another guest's: everything as it was there, and the new instance's own data."""

from __future__ import annotations

from pathlib import Path

from guestagent.embedded.guests import boot_scripts, user_data
from guestagent.embedded.guests.disk import write_instance_data
from guestagent.embedded.host import commands
from guestagent.embedded.openstack.nova.hypervisor import Guest

COPIED_FOLDERS = ("etc", "var", "root-home")
EMPTY_FOLDERS = ("etc.work", "root")
COPY_TIMEOUT_S = 300


def copy_folders(origin: Path, folder: Path, names: tuple[str, ...]) -> None:
    """Copy folders of one guest for another, with owners, modes, extended attributes and holes."""
    folder.mkdir(mode=0o700, parents=True)
    sources = [str(origin / name) for name in names]
    copy_command = ("cp", "--archive", "--sparse=always", "--reflink=auto", "--", *sources, str(folder))
    commands.run_checked(f"copying the disk in {origin}", copy_command, timeout=COPY_TIMEOUT_S)


def copy_disk(origin: Path, folder: Path) -> None:
    """Copy the disk in the folder of a guest that does not write to it meanwhile."""
    copy_folders(origin, folder, COPIED_FOLDERS)
    for name in EMPTY_FOLDERS:
        (folder / name).mkdir(mode=0o700)


def write_instance(folder: Path, guest: Guest) -> None:
    """Write what the first boot of another instance changes on a disk: names, instance id, user data.

    All else stays the origin's, as with cloud-init: the machine-id, the logs and the data of its programs.
    """
    parsed_user_data = user_data.parse_user_data(guest.user_data)
    hostname = boot_scripts.build_hostname(guest.name)
    init_script = boot_scripts.build_init_script(guest.id, [name for name, _ in parsed_user_data.scripts])
    etc = folder / "etc"
    (etc / "hostname").write_text(f"{hostname}\n")
    (etc / "hosts").write_text(f"127.0.0.1 localhost\n{guest.address} {hostname}\n")
    (etc / boot_scripts.INIT_PATH.removeprefix("/etc/")).write_text(init_script)
    write_instance_data(folder / "var", guest, parsed_user_data)
