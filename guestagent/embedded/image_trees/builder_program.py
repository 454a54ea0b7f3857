"""diskimage-builder in a virtual environment of its own, kept in the cache, and the environment of a build."""

from __future__ import annotations

import os
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

from guestagent.embedded.host import commands
from guestagent.embedded.host.cache_folder import hold_file_lock
from guestagent.embedded.image_trees.image_recipe import BUILDER_PACKAGE
from guestagent.errors import UnsupportedEnvironment

INSTALL_TIMEOUT_S = 300.0
# The machine's settings for pip, and its way into the network. Everything else of our environment stays out of a build.
PASSED_PREFIXES = ("PIP_",)
PASSED_NAMES = frozenset({"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"})


def provide_builder(folder: Path) -> Path:
    """Return the folder with the programs of diskimage-builder; install them if they are missing."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    environment = folder / f"{BUILDER_PACKAGE.replace('==', '-')}-python{python}"
    with hold_file_lock(folder / "builder.lock"):
        marker = environment / "complete"
        if not marker.exists():
            venv.create(
                environment, clear=True, with_pip=True
            )  # a killed run may have left an incomplete one
            argv = (
                str(environment / "bin/pip"),
                "install",
                "--quiet",
                "--disable-pip-version-check",
                BUILDER_PACKAGE,
            )
            completed = commands.run_command(
                argv, environment=select_environment(os.environ), timeout=INSTALL_TIMEOUT_S
            )
            if completed.returncode:
                reason = commands.find_last_line(completed.stderr)
                raise UnsupportedEnvironment(
                    f"{BUILDER_PACKAGE} cannot be installed on this machine: {reason}"
                )
            marker.touch()
    return environment / "bin"


def select_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of our environment that a build gets."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith(PASSED_PREFIXES) or name in PASSED_NAMES or name.lower().endswith("_proxy")
    }
