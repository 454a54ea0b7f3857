"""Starts the seed worker, and starts and stops the donor, each as a service of its own."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from guestagent.agent.child_process import run_program
from guestagent.agent.donor_service import DonorAccess
from guestagent.agent.seed_coordinator import SeedAccess
from guestagent.agent.settings import Settings
from guestagent.errors import StorageError
from guestagent.file_lock import open_lock, try_lock
from guestagent.seeding import SeedFiles
from guestagent.seeding.donor.configuration import MIN_LEASE_S, DonorFiles
from guestagent.seeding.seed_folder import read_marker

LOG = logging.getLogger("guestagent")
COMMAND_TIMEOUT_S = 20.0
LEASE_PASSES = 4
"""So many passes in a row may fail to see the server before the donor closes its port."""
ROOM_BYTES = 64 << 10
"""For the seed's state and a folder entry, on every file system."""
WORKER_UNIT, DONOR_UNIT = "guestagent-seed.service", "guestagent-donor.service"


def build_seed_access(settings: Settings) -> SeedAccess:
    """Build what a pass needs to request a seed on this machine."""
    files = SeedFiles(settings.state_folder)
    command = settings.seeding.start or build_systemctl_command("start", WORKER_UNIT)
    return SeedAccess(
        files=files,
        socket=str(settings.database_socket),
        start_worker=lambda: start_unless_running(command, files.lock),
        read_marker=lambda data_directory: read_marker(Path(data_directory)),
        has_room=lambda: has_room(files.folder),
    )


def build_donor_access(settings: Settings) -> DonorAccess:
    """Build what a pass needs to let the donor of this machine serve replicas."""
    command = settings.seeding.donor_start or build_systemctl_command("start", DONOR_UNIT)
    files = DonorFiles(settings.state_folder)
    return DonorAccess(
        configuration=files.configuration,
        socket=str(settings.database_socket),
        start=lambda: start_unless_running(command, files.lock),
        lease_s=max(MIN_LEASE_S, LEASE_PASSES * settings.interval),
    )


def build_systemctl_command(verb: str, unit: str) -> tuple[str, ...]:
    """Build the command that asks systemd, and does not wait for the unit."""
    return "systemctl", "--no-ask-password", "--no-block", verb, unit


def start_unless_running(command: Sequence[str], lock: Path) -> None:
    """Run the command, unless the service holds its lock: it runs then."""
    if not is_locked(lock):
        run_service_command(command)


def run_service_command(command: Sequence[str]) -> bool:
    """Run a command of a service manager. Return whether it succeeded; a failure is logged, and tried again later."""
    deadline = time.monotonic() + COMMAND_TIMEOUT_S

    def check_deadline() -> None:
        if time.monotonic() >= deadline:
            raise TimeoutError(0, f"no end after {COMMAND_TIMEOUT_S:.0f} s")

    try:
        result = run_program(command, check_deadline)
    except OSError as error:
        LOG.warning("%s: %s", " ".join(command), error.strerror)
        return False
    if result.exit_code != 0:
        LOG.warning("%s: %s", " ".join(command), " ".join(result.output.split())[:300])
    return result.exit_code == 0


def has_room(folder: Path) -> bool:
    """Return whether a small file can be written to the folder's disk. The worker, which is root, may use all of it."""
    try:
        status = os.statvfs(folder)
    except OSError:
        return True
    return status.f_bfree * status.f_frsize >= ROOM_BYTES


def is_locked(lock: Path) -> bool:
    """Return whether another process holds this lock."""
    with suppress(StorageError):
        descriptor = open_lock(lock)
        try:
            return not try_lock(descriptor)
        finally:
            os.close(descriptor)
    return False
