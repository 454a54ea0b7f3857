"""The requirements of guests on this machine, checked before anything is created."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from guestagent.embedded.host import commands
from guestagent.embedded.host.cache_folder import make_public_folder
from guestagent.errors import UnsupportedEnvironment, build_missing_extra_error

PROGRAM_PACKAGES = {
    "ip": "iproute2",
    "nsenter": "util-linux",
    "pivot_root": "util-linux",
    "setpriv": "util-linux",
    "unshare": "util-linux",
    "mariadbd": "mariadb-server-core",
    "mariadb-install-db": "mariadb-server-core",
    "my_print_defaults": "mariadb-client-core",
}
# The shell removes the folder itself, so that nothing stays when the process that runs it is killed.
TRIAL_SCRIPT = """\
set -e
umask 077
trial=$(mktemp -d "$0.trial-XXXXXXXX")
trap 'umount "$trial/target" 2>/dev/null || true; rm -rf "$trial"' EXIT
mkdir "$trial/upper" "$trial/work" "$trial/target"
mount -t overlay overlay -o lowerdir=/etc,"upperdir=$trial/upper,workdir=$trial/work" "$trial/target"
ip link set lo up
"""


def check_requirements(state: Path, programs: Iterable[str]) -> None:
    """Raise UnsupportedEnvironment unless guests can run here. `programs` are those that they start."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise UnsupportedEnvironment("guests are Linux namespaces, which need Linux and root: run it as root")
    for program in (*PROGRAM_PACKAGES, *programs):
        if shutil.which(program, path=commands.DEFAULT_PATH) is None:
            if program not in PROGRAM_PACKAGES:
                raise build_missing_extra_error(program, "embedded")
            raise UnsupportedEnvironment(
                f"{program} is missing on this machine: install {PROGRAM_PACKAGES[program]}"
            )
    try_namespaces(state)


def try_namespaces(state: Path) -> None:
    """Create the namespaces and the overlay once as a trial: a container often forbids them.

    The folder is a new one beside `state`: another command may remove or make that folder at the same time.
    """
    make_public_folder(state.parent)
    unshare = ("unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--")
    completed = commands.run_command((*unshare, "/bin/sh", "-c", TRIAL_SCRIPT, str(state)))
    if completed.returncode:
        reason = commands.find_last_line(completed.stderr)
        raise UnsupportedEnvironment(f"this machine does not allow namespaces with an overlay: {reason}")
