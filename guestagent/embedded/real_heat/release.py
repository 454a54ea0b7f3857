"""The release of Keystone and Heat: Debian's packages, or one from PyPI in its own virtual environment."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from guestagent.embedded.host import commands
from guestagent.embedded.host.cache_folder import hold_file_lock
from guestagent.embedded.real_heat import daemon_config
from guestagent.embedded.real_heat.account_commands import run_as_account
from guestagent.embedded.real_heat.paths import RunPaths, ServiceAddresses
from guestagent.errors import InvalidInput, Problem, UnsupportedEnvironment

INSTALL_TIMEOUT_S = 900.0
FILE_PACKAGES: Mapping[str, str] = {
    "/usr/sbin/mariadbd": "mariadb-server-core",
    "/usr/bin/mariadb-install-db": "mariadb-server-core",
    "/usr/bin/my_print_defaults": "mariadb-client-core",
    "/usr/bin/keystone-manage": "python3-keystone",
    "/usr/bin/heat-all": "heat-common",
    "/usr/bin/heat-manage": "heat-common",
    "/etc/heat/api-paste.ini": "heat-common",
    "/usr/lib/python3/dist-packages/pymysql": "python3-pymysql",
    "/usr/bin/setpriv": "util-linux",
}
DATABASE_PACKAGES = ("mariadb-server-core", "mariadb-client-core", "util-linux")
# Heat's release to what pip installs; the Keystone of the same half-year.
PYPI_PACKAGES: Mapping[int, tuple[str, ...]] = {27: ("openstack-heat==27.0.1", "keystone==30.*", "pymysql")}
SCRIPT_FOLDER = Path(__file__).parent / "inside"


@dataclass(frozen=True, slots=True)
class HeatRelease:
    """Programs of one release. `own_folder`: the virtual environment; None: the distribution has installed it."""

    name: str
    python: Path
    programs: Path
    paste_file: Path
    own_folder: Path | None = None

    def build_keystone_command(self, paths: RunPaths, addresses: ServiceAddresses) -> tuple[str, ...]:
        """The command line of Keystone: one process, for the sake of its cache."""
        return (str(self.python), str(paths.scripts / "keystone_server.py"), str(addresses.keystone_port))

    def build_heat_command(self, paths: RunPaths, addresses: ServiceAddresses) -> tuple[str, ...]:
        """The command line of engine and both APIs in one process; Heat 27 has no such command."""
        settings = ("--config-file", str(paths.settings / "heat.conf"))
        if self.own_folder is None:
            return (str(self.programs / "heat-all"), *settings)
        place = (addresses.host, str(addresses.heat_port), str(addresses.cfn_port))
        return (str(self.python), str(paths.scripts / "heat_server.py"), *place, *settings)

    def build_manage_command(self, service: str, paths: RunPaths, *words: str) -> tuple[str, ...]:
        """The command line of Keystone's or Heat's administration."""
        program = str(self.programs / f"{service}-manage")
        return (program, "--config-file", str(paths.settings / f"{service}.conf"), *words)

    def read_versions(self) -> str:
        """Of everything that the databases are made by."""
        packages = sorted(set(FILE_PACKAGES.values() if self.own_folder is None else DATABASE_PACKAGES))
        words = ("dpkg-query", "--show", "--showformat=${Package} ${Version}\n", *packages)
        versions = commands.run_checked("looking what is installed", words)
        if self.own_folder is None:
            return versions
        return versions + " ".join(
            sorted(path.name for path in self.own_folder.glob("lib/*/site-packages/*.dist-info"))
        )

    def read_pipeline(self) -> str:
        """Heat's paste pipeline; Heat 19 asks Keystone about signatures without a token, which gets a 401."""
        text = self.paste_file.read_text()
        return text if self.own_folder else daemon_config.replace_token_filter(text)


def provide_release(number: int | None, folder: Path) -> HeatRelease:
    """Return the release; if it is from PyPI, install it in `folder` first: that takes minutes, once.

    UnsupportedEnvironment where a package of Debian's is missing.
    """
    packages = dict.fromkeys(
        package
        for path, package in FILE_PACKAGES.items()
        if (number is None or package in DATABASE_PACKAGES) and not Path(path).exists()
    )
    if packages:
        raise UnsupportedEnvironment(
            f"a real Heat needs packages that are missing: apt-get install {' '.join(packages)}"
        )
    if number is None:
        programs = Path("/usr/bin")
        return HeatRelease("debian", programs / "python3", programs, Path("/etc/heat/api-paste.ini"))
    if number not in PYPI_PACKAGES:
        known = ", ".join(map(str, PYPI_PACKAGES))
        raise InvalidInput([Problem("--heat-release", f"one of {known}", str(number))])
    with hold_file_lock(folder / "lock"):
        return _from_pypi(number, folder / f"heat-{number}-programs")


def _from_pypi(number: int, folder: Path) -> HeatRelease:
    programs = folder / "bin"
    release = HeatRelease(
        str(number), programs / "python", programs, folder / "etc/heat/api-paste.ini", own_folder=folder
    )
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        run_as_account("making a virtual environment", ("/usr/bin/python3", "-m", "venv", str(folder)))
        words = (str(programs / "pip"), "install", "-qq", *PYPI_PACKAGES[number])
        run_as_account(f"installing Heat {number}", words, timeout=INSTALL_TIMEOUT_S, environment=None)
        (folder / "whole").touch()
    return release
