"""What a real Heat stands on: its programs, prepared databases, an account without rights, a folder of its own."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from guestagent.embedded.guests.image import Account, account_here
from guestagent.embedded.realheat import prepared, processes
from guestagent.embedded.realheat.layout import Layout
from guestagent.embedded.realheat.release import Release, provide
from guestagent.embedded.servers.roots import CACHE_VARIABLE
from guestagent.errors import CloudError, UnsupportedEnvironment

RUN = "run"


@dataclass(frozen=True, slots=True)
class Ground:
    """`layout` is the folder of one run, which begins empty."""

    release: Release
    prepared: Path
    account: Account
    layout: Layout

    @property
    def processes(self) -> Path:
        """Where it is written down what runs."""
        return _written(self.layout.folder.parent)


def ground_for(folder: Path, release: int | None = None) -> Ground:
    """Ready to be built on; the first time on a machine takes half a minute, and minutes for a release from PyPI.

    From the main thread. UnsupportedEnvironment where this machine lacks something, with what to do about it.
    """
    if os.geteuid() != 0:
        raise UnsupportedEnvironment("a real Heat runs under an account of its own: run it as root")
    account = account_here()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)  # the account must get through, and what is in it is closed to it
    place = prepared.place()
    _check_reach(folder, account, "--state")
    _check_reach(place, account, CACHE_VARIABLE)
    programs = provide(release, place)
    return Ground(programs, prepared.build(place, programs, account), account, Layout(folder / RUN))


def sweep(folder: Path) -> None:
    """End and remove what a run left, also one that was killed."""
    processes.sweep(_written(folder))
    shutil.rmtree(folder / RUN, ignore_errors=True)


def _written(folder: Path) -> Path:
    return folder / "processes.json"


def _check_reach(folder: Path, account: Account, said_by: str) -> None:
    try:
        processes.finish("looking", ("test", "-x", str(folder)), account=account)
    except CloudError:
        raise UnsupportedEnvironment(
            f"the daemons' account (user {account.uid}) cannot reach {folder}: let others enter the folders above it, "
            f"or choose another by {said_by}"
        ) from None
