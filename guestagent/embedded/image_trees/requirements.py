"""The requirements of a build on this machine, checked before anything is created."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from guestagent.embedded.host import commands
from guestagent.errors import UnsupportedEnvironment

PROGRAM_PACKAGES = {
    "debootstrap": "debootstrap",
    "sudo": "sudo",
    "unshare": "util-linux",
    "tar": "tar",
    "apt-get": "apt",
}
# The draft of a tree with its packages and its archive.
FREE_SPACE_LIMIT_BYTES = 4 * 10**9
# What a build does first of all; a container often forbids it.
TRIAL_SCRIPT = "mount -t tmpfs tmpfs /mnt && mount -t proc none /mnt"


def check_build_requirements(cache: Path) -> None:
    """Raise UnsupportedEnvironment unless image trees can be built here and kept in `cache`."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise UnsupportedEnvironment("building an image needs Linux and root: run it as root")
    for program, package in PROGRAM_PACKAGES.items():
        if shutil.which(program, path=commands.DEFAULT_PATH) is None:
            raise UnsupportedEnvironment(
                f"{program} is missing on this machine, and an image is built with it: install {package}"
            )
    completed = commands.run_command(
        ("unshare", "--mount", "--pid", "--fork", "--", "/bin/sh", "-c", TRIAL_SCRIPT)
    )
    if completed.returncode:
        reason = commands.find_last_line(completed.stderr)
        raise UnsupportedEnvironment(f"this machine does not allow the mounts of an image build: {reason}")
    free_space = shutil.disk_usage(cache).free
    if free_space < FREE_SPACE_LIMIT_BYTES:
        raise UnsupportedEnvironment(
            f"building an image needs {FREE_SPACE_LIMIT_BYTES / 1e9:.0f} GB below {cache}, "
            f"and {free_space / 1e9:.1f} GB are free"
        )
