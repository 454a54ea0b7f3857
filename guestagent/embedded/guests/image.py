"""The data directory that every guest gets a copy of, as the server's own installer makes it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from guestagent.embedded import commands

REDO_LOG = "8M"
FREE_ID = 43043
# The tables get the name of the machine where they are made: not this one's, which no guest has.
NAMELESS = 'echo localhost > /proc/sys/kernel/hostname; exec "$0" "$@"'
INSTALL = (
    "unshare", "--uts", "--", "sh", "-ec", NAMELESS,
    "mariadb-install-db", "--no-defaults", "--rpm", "--user=root", "--skip-test-db", "--skip-log-bin",
    "--auth-root-authentication-method=socket", f"--innodb-log-file-size={REDO_LOG}",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Account:
    """The database server's user; `missing` where this machine has none and only the guests know it."""

    uid: int
    gid: int
    missing: bool


def build(folder: Path) -> None:
    """Make it once, in `folder`; whole or not there, whoever asks at the same time."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(folder / "lock"):
        if (folder / "mysql").is_dir():
            return
        draft = folder / "mysql.draft"
        shutil.rmtree(draft, ignore_errors=True)
        # A starting server deletes every temporary table in its tmpdir: in /tmp also those of another build.
        own = (f"--datadir={draft}", f"--tmpdir={folder}")
        commands.check("making a data directory", (*INSTALL, *own), timeout=300)
        its = account_here()
        for path in (draft, *draft.rglob("*")):
            os.chown(path, its.uid, its.gid)
        draft.rename(folder / "mysql")


def copy(folder: Path, target: Path) -> None:
    """A guest's own data directory, out of the one in `folder`."""
    options = ("--archive", "--reflink=auto", "--sparse=always")
    commands.check("copying the data directory", ("cp", *options, str(folder / "mysql"), str(target)))


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


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
