"""The Unix account of the database server, as this machine's passwd and group files have it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FREE_UID = 43043


@dataclass(frozen=True, slots=True)
class UnixAccount:
    """The user of the database server. `is_missing` if this machine has none and only the guests know it."""

    uid: int
    gid: int
    is_missing: bool


def read_host_account() -> UnixAccount:
    """Read the account from this machine's own files."""
    return parse_account(Path("/etc/passwd").read_text(), Path("/etc/group").read_text())


def parse_account(passwd: str, group: str) -> UnixAccount:
    """Return the user mysql of these passwd and group files, or a number that none of their users has."""
    users = [line.split(":") for line in passwd.splitlines() if line.count(":") > 2]
    groups = [line.split(":") for line in group.splitlines() if line.count(":") > 1]
    for name, _, uid, gid, *_ in users:
        if name == "mysql":
            return UnixAccount(int(uid), int(gid), is_missing=False)
    used_numbers = {fields[2] for fields in (*users, *groups)}
    free_number = next(number for number in range(FREE_UID, 2**16) if str(number) not in used_numbers)
    return UnixAccount(free_number, free_number, is_missing=True)
