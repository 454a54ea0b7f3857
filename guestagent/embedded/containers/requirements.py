"""The requirements of containers on this machine, checked before anything is created."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from guestagent.embedded.containers.cgroups import create_cgroups, remove_cgroups
from guestagent.embedded.guests.requirements import try_namespaces
from guestagent.embedded.host import commands
from guestagent.errors import UnsupportedEnvironment
from guestagent.retry import SystemClock

PROGRAM_PACKAGES = {
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}
# All root users of containers without a user namespace share one limit of the kernel, by default 128.
INOTIFY_LIMIT_FILE = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_INSTANCES_PER_GUEST = 12  # of a guest's systemd and its services while they start
INOTIFY_INSTANCES_OF_MACHINE = 8


def check_requirements(state: Path) -> None:
    """Raise UnsupportedEnvironment unless containers can run here."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise UnsupportedEnvironment("guests are Linux containers, which need Linux and root: run it as root")
    for program, package in PROGRAM_PACKAGES.items():
        if shutil.which(program, path=commands.DEFAULT_PATH) is None:
            raise UnsupportedEnvironment(f"{program} is missing on this machine: install {package}")
    try_namespaces(state)
    _try_cgroups(state)


def check_inotify_limit(guest_count: int, limit: int) -> None:
    """Raise UnsupportedEnvironment unless so many guests may watch files. Without it a guest's PID 1 ends. Pure."""
    need = INOTIFY_INSTANCES_OF_MACHINE + guest_count * INOTIFY_INSTANCES_PER_GUEST
    if need > limit:
        raise UnsupportedEnvironment(
            f"{guest_count} guests need about {need} inotify instances, and this machine allows {limit}: "
            f"run `sysctl fs.inotify.max_user_instances={max(1024, 2 * need)}`"
        )


def read_inotify_limit() -> int:
    """Return how many inotify instances all processes of one user may have."""
    return int(INOTIFY_LIMIT_FILE.read_text())


def _try_cgroups(state: Path) -> None:
    """Create and remove the control groups of a guest once as a trial: a container often has them read-only."""
    record = state.parent / f"{state.name}.trial-cgroups-{os.getpid()}"
    try:
        create_cgroups(f"guestagent-trial-{os.getpid()}", record)
    finally:
        remove_cgroups(record, SystemClock())
        record.unlink(missing_ok=True)
