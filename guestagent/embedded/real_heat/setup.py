"""What a real Heat stands on: its programs, prepared databases, an account without rights, a folder of its own."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from guestagent.embedded.host.cache_folder import CACHE_VARIABLE
from guestagent.embedded.host.unix_account import UnixAccount, read_host_account
from guestagent.embedded.real_heat import daemons, database_template
from guestagent.embedded.real_heat.paths import RunPaths
from guestagent.embedded.real_heat.release import HeatRelease, provide_release
from guestagent.errors import CloudError, UnsupportedEnvironment

RUN_FOLDER = "run"


@dataclass(frozen=True, slots=True)
class RealHeatSetup:
    """`layout` is the folder of one run, which begins empty."""

    release: HeatRelease
    database_template: Path
    account: UnixAccount
    paths: RunPaths

    @property
    def process_file(self) -> Path:
        """Where it is written down what runs."""
        return _written(self.paths.folder.parent)


def ground_for(folder: Path, release: int | None = None) -> RealHeatSetup:
    """Ready to be built on; the first time on a machine takes half a minute, and minutes for a release from PyPI.

    From the main thread. UnsupportedEnvironment where this machine lacks something, with what to do about it.
    """
    if os.geteuid() != 0:
        raise UnsupportedEnvironment("a real Heat runs under an account of its own: run it as root")
    account = read_host_account()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)  # the account must get through, and what is in it is closed to it
    place = database_template.open_cache_folder()
    _check_reach(folder, account, "--state")
    _check_reach(place, account, CACHE_VARIABLE)
    programs = provide_release(release, place)
    return RealHeatSetup(
        programs,
        database_template.build_template(place, programs, account),
        account,
        RunPaths(folder / RUN_FOLDER),
    )


def remove_leftovers(folder: Path) -> None:
    """End and remove what a run left, also one that was killed."""
    daemons.kill_leftovers(_written(folder))
    shutil.rmtree(folder / RUN_FOLDER, ignore_errors=True)


def _written(folder: Path) -> Path:
    return folder / "processes.json"


def _check_reach(folder: Path, account: UnixAccount, said_by: str) -> None:
    try:
        daemons.run_as_account("looking", ("test", "-x", str(folder)), account=account)
    except CloudError:
        raise UnsupportedEnvironment(
            f"the daemons' account (user {account.uid}) cannot reach {folder}: let others enter the folders above it, "
            f"or choose another by {said_by}"
        ) from None
