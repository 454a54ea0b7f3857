"""The data directory that every guest gets a copy of, as the server's own installer makes it."""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from guestagent.embedded import database_servers
from guestagent.embedded.database_servers.root_directory import hold_file_lock
from guestagent.embedded.guests.images import GuestImage

FREE_UID = 43043
# Not only its name: an image has no keys either that all of its guests would share.
KEY_FILES = "*.pem"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UnixAccount:
    """The database server's user; `missing` where this machine has none and only the guests know it."""

    uid: int
    gid: int
    is_missing: bool


def build_data_directory(folder: Path, kind: GuestImage) -> None:
    """Make it once, in `folder`; whole or not there, whoever asks at the same time.

    A server that is not this machine's own is fetched first, where it is missing.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with hold_file_lock(folder / "lock"):
        if (folder / kind.name).is_dir():
            return
        draft = folder / f"{kind.name}.draft"
        shutil.rmtree(draft, ignore_errors=True)
        if kind.flavour is None:
            database_servers.install_data_directory(kind.family, draft, None)
        else:
            database_servers.copy_data_directory(
                database_servers.provide_data_directory(kind.flavour, log.info), draft
            )
        for key in draft.glob(KEY_FILES):
            key.unlink()
        its = read_host_account()
        for path in (draft, *draft.rglob("*")):
            os.chown(path, its.uid, its.gid)
        draft.rename(folder / kind.name)


def copy_guest_data(folder: Path, kind: GuestImage, target: Path) -> None:
    """A guest's own data directory, out of the one in `folder`."""
    database_servers.copy_data_directory(folder / kind.name, target)


def find_server_root(kind: GuestImage) -> Path | None:
    """The root of the server's programs; None where they are this machine's."""
    return None if kind.flavour is None else database_servers.provide_root(kind.flavour, log.info)


def read_host_account() -> UnixAccount:
    """The account as this machine's own files tell it."""
    return parse_account(Path("/etc/passwd").read_text(), Path("/etc/group").read_text())


def parse_account(passwd: str, group: str) -> UnixAccount:
    """The user mysql of these passwd and group files, or a number that nobody in them has."""
    users = [line.split(":") for line in passwd.splitlines() if line.count(":") > 2]
    groups = [line.split(":") for line in group.splitlines() if line.count(":") > 1]
    for name, _, uid, gid, *_ in users:
        if name == "mysql":
            return UnixAccount(int(uid), int(gid), is_missing=False)
    taken = {fields[2] for fields in (*users, *groups)}
    free = next(number for number in range(FREE_UID, 2**16) if str(number) not in taken)
    return UnixAccount(free, free, is_missing=True)
