"""Which Keystone and Heat: Debian's packages, or a release from PyPI in a virtual environment of its own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from guestagent.embedded import commands
from guestagent.embedded.realheat import configuration
from guestagent.embedded.realheat.layout import Addresses, Layout
from guestagent.embedded.realheat.processes import finish
from guestagent.embedded.servers.roots import alone
from guestagent.errors import InvalidInput, Problem, UnsupportedEnvironment

INSTALL_SECONDS = 900.0
PACKAGES: Mapping[str, str] = {
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
DATABASE = ("mariadb-server-core", "mariadb-client-core", "util-linux")
# Heat's release to what pip installs; the Keystone of the same half-year.
FROM_PYPI: Mapping[int, tuple[str, ...]] = {27: ("openstack-heat==27.0.1", "keystone==30.*", "pymysql")}
SCRIPTS = Path(__file__).parent / "inside"


@dataclass(frozen=True, slots=True)
class Release:
    """Programs of one release. `own_folder` is where it was installed for us; None: by the distribution."""

    name: str
    python: Path
    programs: Path
    paste: Path
    own_folder: Path | None = None

    def keystone(self, layout: Layout, at: Addresses) -> tuple[str, ...]:
        """The command line of Keystone: one process, for the sake of its cache."""
        return (str(self.python), str(layout.code / "keystone_server.py"), str(at.keystone_port))

    def heat(self, layout: Layout, at: Addresses) -> tuple[str, ...]:
        """The command line of engine and both APIs in one process; Heat 27 has none such of its own."""
        settings = ("--config-file", str(layout.settings / "heat.conf"))
        if self.own_folder is None:
            return (str(self.programs / "heat-all"), *settings)
        ports = (str(at.heat_port), str(at.cfn_port))
        return (str(self.python), str(layout.code / "heat_server.py"), *ports, *settings)

    def manage(self, service: str, layout: Layout, *words: str) -> tuple[str, ...]:
        """The command line of Keystone's or Heat's administration."""
        program = str(self.programs / f"{service}-manage")
        return (program, "--config-file", str(layout.settings / f"{service}.conf"), *words)

    def versions(self) -> str:
        """Of everything that the databases are made by."""
        packages = sorted(set(PACKAGES.values() if self.own_folder is None else DATABASE))
        words = ("dpkg-query", "--show", "--showformat=${Package} ${Version}\n", *packages)
        said = commands.check("looking what is installed", words)
        if self.own_folder is None:
            return said
        return said + " ".join(sorted(path.name for path in self.own_folder.glob("lib/*/site-packages/*.dist-info")))

    def pipeline(self) -> str:
        """Heat's paste pipeline; Heat 19 asks Keystone about signatures without a token, which gets a 401."""
        text = self.paste.read_text()
        return text if self.own_folder else configuration.with_token_filter(text)


def provide(number: int | None, folder: Path) -> Release:
    """The release, installed in `folder` where it is from PyPI: that takes minutes, once.

    UnsupportedEnvironment where a package of Debian's is missing.
    """
    packages = dict.fromkeys(
        package
        for path, package in PACKAGES.items()
        if (number is None or package in DATABASE) and not Path(path).exists()
    )
    if packages:
        raise UnsupportedEnvironment(
            f"a real Heat needs packages that are missing: apt-get install {' '.join(packages)}"
        )
    if number is None:
        programs = Path("/usr/bin")
        return Release("debian", programs / "python3", programs, Path("/etc/heat/api-paste.ini"))
    if number not in FROM_PYPI:
        known = ", ".join(map(str, FROM_PYPI))
        raise InvalidInput([Problem("--heat-release", f"one of {known}", str(number))])
    with alone(folder / "lock"):
        return _from_pypi(number, folder / f"heat-{number}-programs")


def _from_pypi(number: int, folder: Path) -> Release:
    programs = folder / "bin"
    release = Release(
        str(number), programs / "python", programs, folder / "etc/heat/api-paste.ini", own_folder=folder
    )
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        finish("making a virtual environment", ("/usr/bin/python3", "-m", "venv", str(folder)))
        words = (str(programs / "pip"), "install", "-qq", *FROM_PYPI[number])
        finish(f"installing Heat {number}", words, timeout=INSTALL_SECONDS, environment=None)
        (folder / "whole").touch()
    return release
