"""The flavours that guestagent keeps: which suite of Debian has each, and in which packages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

Family = Literal["mariadb", "mysql"]

# What a server's own scripts call, and what a seed is streamed with; no suite's essential packages come along.
SHELL_PACKAGES = (
    "bash", "coreutils", "dash", "debianutils", "findutils", "grep", "hostname", "mawk", "procps", "sed",
    "socat", "zstd",
)  # fmt: skip
MARIADB_PACKAGES = ("mariadb-server-core", "mariadb-client-core", "mariadb-backup")
# These two want a running system; of them the plugins and the dump program alone are of use.
MARIADB_EXTRA_PACKAGES = ("mariadb-server", "mariadb-client")
# The only MySQL that Debian carries, and in no release of it.
MYSQL_PACKAGES = ("mysql-server-core", "mysql-client-core")


@dataclass(frozen=True, slots=True)
class Flavour:
    """One server: `packages` with all that they depend on, the files of those `alone` without it."""

    name: str
    family: Family
    series: str
    suite: str
    packages: tuple[str, ...]
    extra_packages: tuple[str, ...] = ()
    left_out_packages: tuple[str, ...] = ()

    @property
    def server_program(self) -> str:
        """The path of the server's program, the same in every flavour."""
        return {"mariadb": "/usr/sbin/mariadbd", "mysql": "/usr/sbin/mysqld"}[self.family]

    @property
    def version_command(self) -> tuple[str, ...]:
        """The command that shows that the server starts."""
        return (self.server_program, "--version")

    @property
    def fingerprint(self) -> str:
        """A name that changes with what it is made from."""
        return build_fingerprint(self.name, self.suite, *self.packages, *self.extra_packages)


def build_fingerprint(name: str, suite: str, *packages: str) -> str:
    """Build the name of a root, which changes with what the root is made from."""
    words = " ".join((suite, *SHELL_PACKAGES, *packages))
    return f"{name}-{hashlib.sha256(words.encode()).hexdigest()[:8]}"


FLAVOURS = {
    flavour.name: flavour
    for flavour in (
        Flavour("mariadb1011", "mariadb", "10.11", "bookworm", MARIADB_PACKAGES, MARIADB_EXTRA_PACKAGES),
        Flavour("mariadb118", "mariadb", "11.8", "trixie", MARIADB_PACKAGES, MARIADB_EXTRA_PACKAGES),
        Flavour("mysql97", "mysql", "9.7", "sid", MYSQL_PACKAGES),
    )
}
