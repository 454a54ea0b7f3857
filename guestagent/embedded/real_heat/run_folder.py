"""The folder of one run of a real Heat: created, filled from the prepared databases, and configured."""

from __future__ import annotations

import os
import secrets
import shutil
from base64 import urlsafe_b64encode
from datetime import timedelta
from pathlib import Path

from guestagent import atomic_file
from guestagent.embedded.host.unix_account import UnixAccount
from guestagent.embedded.real_heat import daemon_config
from guestagent.embedded.real_heat.account_commands import run_as_account
from guestagent.embedded.real_heat.passwords import HeatPasswords
from guestagent.embedded.real_heat.paths import RunPaths, ServiceAddresses
from guestagent.embedded.real_heat.release import SCRIPT_FOLDER, HeatRelease

COPY_COMMAND = ("cp", "--archive", "--reflink=auto", "--sparse=always", "-T")


def create_folders(paths: RunPaths) -> None:
    """Create the folder, which must not be there yet, and the empty ones in it."""
    paths.folder.mkdir(mode=0o700, parents=True)
    for folder in paths.folders:
        folder.mkdir(mode=0o700, parents=True)


def copy_template(paths: RunPaths, template: Path) -> HeatPasswords:
    """Create a run's own folder out of the prepared one. Its configuration is still to be written."""
    shutil.rmtree(paths.folder, ignore_errors=True)
    create_folders(paths)
    for name in (paths.data.name, paths.keys.name, paths.password_file.name):
        argv = (*COPY_COMMAND, str(template / name), str(paths.folder / name))
        run_as_account("copying the databases", argv)
    return HeatPasswords.parse(atomic_file.read_file(paths.password_file) or b"{}")


def create_keys(paths: RunPaths) -> None:
    """Create the keys that Keystone's own set-up writes: a staged key and a primary one."""
    for repository in ("fernet", "credential"):
        for number in ("0", "1"):
            key = urlsafe_b64encode(secrets.token_bytes(32))
            atomic_file.write_file(paths.keys / repository / number, key)


def write_config(
    paths: RunPaths,
    addresses: ServiceAddresses,
    passwords: HeatPasswords,
    auth_ttl: timedelta,
    release: HeatRelease,
    account: UnixAccount,
) -> None:
    """Write the configuration and our scripts. Everything belongs to the account from then on."""
    files = daemon_config.build_files(paths, addresses, passwords, auth_ttl, release.read_pipeline())
    for name, text in files.items():
        atomic_file.write_file(paths.settings / name, text.encode())
    for script in SCRIPT_FOLDER.glob("*.py"):
        shutil.copyfile(script, paths.scripts / script.name)
    change_owner(paths.folder, account.uid, account.gid)


def change_owner(folder: Path, uid: int, gid: int) -> None:
    """Give the folder, and everything in it, to this user and group."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, gid)
