"""The data directory that every guest gets a copy of, as the server's own installer makes it."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

from guestagent.embedded import database_servers
from guestagent.embedded.guests.images import GuestImage
from guestagent.embedded.host.cache_folder import hold_file_lock
from guestagent.embedded.host.unix_account import read_host_account

# Not only its name: an image has no keys either that all of its guests would share.
KEY_FILES = "*.pem"

log = logging.getLogger(__name__)


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
