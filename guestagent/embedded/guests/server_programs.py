"""The client programs of a guest's server that is not this machine's: scripts that run them in the server's root."""

from __future__ import annotations

from collections.abc import Mapping

from guestagent.embedded.database_servers.flavours import Family
from guestagent.embedded.guests.images import GuestImage
from guestagent.embedded.guests.mounts import SERVER_ROOT

PROGRAM_FOLDER = "/etc/embedded/bin"
"""Comes before this machine's folders in a guest's PATH: its programs may be those of the other family."""
PROGRAMS: Mapping[Family, tuple[str, ...]] = {
    "mariadb": ("mariadb", "mariadb-backup", "mariadb-dump", "mbstream"),
    "mysql": ("mysql", "mysqldump"),
}
"""The programs of a seed."""


def build_program_files(image: GuestImage) -> dict[str, str]:
    """Build the scripts, by their path in the guest; none if the server is this machine's."""
    if image.flavour is None:
        return {}
    return {f"{PROGRAM_FOLDER}/{name}": _build_script(name) for name in PROGRAMS[image.family]}


def _build_script(name: str) -> str:
    return f'#!/bin/sh\nexec /usr/sbin/chroot {SERVER_ROOT} /usr/bin/{name} "$@"\n'
