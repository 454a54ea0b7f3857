"""A release of OpenStack's services on this machine: Debian's packages unpacked, or a virtual environment from PyPI.

Each is made once, in the cache folder. Nothing is installed on the machine. The database server is always Debian's.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from guestagent import atomic_file
from guestagent.embedded.database_servers import provide_root
from guestagent.embedded.database_servers.apt import ReportProgress
from guestagent.embedded.host.cache_folder import hold_file_lock
from guestagent.embedded.real_cloud.cloud_release import (
    DEBIAN_NAME,
    PYPI_PACKAGES,
    CloudRelease,
    build_debian_release,
    build_pypi_release,
)
from guestagent.embedded.real_cloud.packages import CloudPackages
from guestagent.embedded.real_heat.account_commands import run_as_account
from guestagent.errors import InvalidInput, Problem

PYTHON = "/usr/bin/python3"
INSTALL_TIMEOUT_S = 3600.0  # only ends what hangs


def provide_release(name: str, folder: Path, report: ReportProgress) -> CloudRelease:
    """Return a release. Fetching a missing one takes minutes; one from PyPI is installed into `folder`.

    InvalidInput for a release that is not known.
    """
    if name not in (DEBIAN_NAME, *PYPI_PACKAGES):
        known = ", ".join((DEBIAN_NAME, *PYPI_PACKAGES))
        raise InvalidInput([Problem("release", f"one of {known}", name)])
    root = provide_root(CloudPackages(), report)
    if name == DEBIAN_NAME:
        return build_debian_release(root)
    environment = folder / f"cloud-{name}-programs"
    with hold_file_lock(folder / f"cloud-{name}.lock"):
        _install_packages(environment, PYPI_PACKAGES[name], report)
    distributions = (path.name for path in environment.glob("lib/*/site-packages/*.dist-info"))
    return build_pypi_release(name, environment, root, distributions)


def _install_packages(environment: Path, packages: tuple[str, ...], report: ReportProgress) -> None:
    """Install the packages, unless these very ones have been installed. The last file that is written lists them."""
    whole, content = environment / "whole", "\n".join(packages).encode()
    if atomic_file.read_file(whole) == content:
        return
    report(f"installing {packages[0]} and others from PyPI into {environment}")
    shutil.rmtree(environment, ignore_errors=True)
    run_as_account("making a virtual environment", (PYTHON, "-m", "venv", str(environment)))
    words = (str(environment / "bin/pip"), "install", "-qq", *packages)
    run_as_account(f"installing {packages[0]}", words, timeout=INSTALL_TIMEOUT_S, environment=None)
    atomic_file.write_file(whole, content)
