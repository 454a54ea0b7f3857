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


def build_data_directory(folder: Path, image: GuestImage) -> None:
    """Make the data directory once, in `folder`. It is complete or absent, even if several processes make it at once.

    A server that is not this machine's own is fetched first if it is missing.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with hold_file_lock(folder / "lock"):
        if (folder / image.name).is_dir():
            return
        draft = folder / f"{image.name}.draft"
        shutil.rmtree(draft, ignore_errors=True)
        if image.flavour is None:
            database_servers.install_data_directory(image.family, draft, None)
        else:
            database_servers.copy_data_directory(
                database_servers.provide_data_directory(image.flavour, log.info), draft
            )
        for key in draft.glob(KEY_FILES):
            key.unlink()
        account = read_host_account()
        for path in (draft, *draft.rglob("*")):
            os.chown(path, account.uid, account.gid)
        draft.rename(folder / image.name)


def copy_guest_data(folder: Path, image: GuestImage, target: Path) -> None:
    """Copy the data directory in `folder` for a guest."""
    database_servers.copy_data_directory(folder / image.name, target)


def find_server_root(image: GuestImage) -> Path | None:
    """Return the root of the server's programs; None if they are this machine's."""
    return None if image.flavour is None else database_servers.provide_root(image.flavour, log.info)
