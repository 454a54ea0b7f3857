"""The data directory that every guest gets a copy of, as the server's own installer makes it."""

from __future__ import annotations

import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from guestagent.embedded import servers
from guestagent.embedded.guests.kinds import Kind
from guestagent.embedded.servers.roots import alone

FREE_ID = 43043
# Not only its name: an image has no keys either that all of its guests would share.
KEYS = "*.pem"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """The database server's user; `missing` where this machine has none and only the guests know it."""

    uid: int
    gid: int
    missing: bool


def build(folder: Path, kind: Kind) -> None:
    """Make it once, in `folder`; whole or not there, whoever asks at the same time.

    A server that is not this machine's own is fetched first, where it is missing.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with alone(folder / "lock"):
        if (folder / kind.name).is_dir():
            return
        draft = folder / f"{kind.name}.draft"
        shutil.rmtree(draft, ignore_errors=True)
        if kind.flavour is None:
            servers.install(kind.family, draft, None)
        else:
            servers.copy(servers.prepared(kind.flavour, log.info), draft)
        for key in draft.glob(KEYS):
            key.unlink()
        its = account_here()
        for path in (draft, *draft.rglob("*")):
            os.chown(path, its.uid, its.gid)
        draft.rename(folder / kind.name)


def copy(folder: Path, kind: Kind, target: Path) -> None:
    """A guest's own data directory, out of the one in `folder`."""
    servers.copy(folder / kind.name, target)


def programs(kind: Kind) -> Path | None:
    """The root of the server's programs; None where they are this machine's."""
    return None if kind.flavour is None else servers.provide(kind.flavour, log.info)


def account_here() -> Account:
    """The account as this machine's own files tell it."""
    return database_account(Path("/etc/passwd").read_text(), Path("/etc/group").read_text())


def database_account(passwd: str, group: str) -> Account:
    """The user mysql of these passwd and group files, or a number that nobody in them has."""
    users = [line.split(":") for line in passwd.splitlines() if line.count(":") > 2]
    groups = [line.split(":") for line in group.splitlines() if line.count(":") > 1]
    for name, _, uid, gid, *_ in users:
        if name == "mysql":
            return Account(int(uid), int(gid), missing=False)
    taken = {fields[2] for fields in (*users, *groups)}
    free = next(number for number in range(FREE_ID, 2**16) if str(number) not in taken)
    return Account(free, free, missing=True)
