"""The set-up of a real Heat: its programs, prepared databases, an account without rights, its own folder."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from guestagent.embedded.host.cache_folder import CACHE_VARIABLE
from guestagent.embedded.host.unix_account import UnixAccount, read_host_account
from guestagent.embedded.real_heat import empty_databases, process_file
from guestagent.embedded.real_heat.account_commands import run_as_account
from guestagent.embedded.real_heat.paths import RunPaths
from guestagent.embedded.real_heat.release import HeatRelease, provide_release
from guestagent.errors import CloudError, UnsupportedEnvironment

RUN_FOLDER = "run"
FOLDER_MODE = 0o711  # the account must get through; it cannot read what is in it


@dataclass(frozen=True, slots=True)
class RealHeatSetup:
    """The parts of one run. The folder of `paths` begins empty."""

    release: HeatRelease
    empty_databases: Path
    account: UnixAccount
    paths: RunPaths

    @property
    def process_file(self) -> Path:
        """The file that lists the running daemons."""
        return _get_process_file(self.paths.folder.parent)


def open_heat_setup(folder: Path, release: int | None = None) -> RealHeatSetup:
    """Prepare a real Heat. The first time on a machine takes half a minute, and minutes for a release from PyPI.

    From the main thread. UnsupportedEnvironment if this machine lacks something, with what to do about it.
    """
    if os.geteuid() != 0:
        raise UnsupportedEnvironment("a real Heat runs under a separate account: run it as root")
    account = read_host_account()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(FOLDER_MODE)
    cache = empty_databases.open_cache_folder()
    _check_reach(folder, account, "--state")
    _check_reach(cache, account, CACHE_VARIABLE)
    programs = provide_release(release, cache)
    return RealHeatSetup(
        programs,
        empty_databases.build_template(cache, programs, account),
        account,
        RunPaths(folder / RUN_FOLDER),
    )


def remove_leftovers(folder: Path) -> None:
    """End and remove what a run left, even one that was killed."""
    process_file.kill_leftovers(_get_process_file(folder))
    shutil.rmtree(folder / RUN_FOLDER, ignore_errors=True)


def _get_process_file(folder: Path) -> Path:
    return folder / "processes.json"


def _check_reach(folder: Path, account: UnixAccount, option: str) -> None:
    try:
        run_as_account("checking access", ("test", "-x", str(folder)), account=account)
    except CloudError:
        raise UnsupportedEnvironment(
            f"the daemons' account (user {account.uid}) cannot reach {folder}: let others enter the folders above it, "
            f"or choose another with {option}"
        ) from None
