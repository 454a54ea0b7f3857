"""The database server, Keystone and Heat of one run as daemons, not yet started."""

from __future__ import annotations

import socket
from contextlib import suppress

from guestagent.embedded.host.unix_account import UnixAccount
from guestagent.embedded.real_heat.account_commands import BARE_ENVIRONMENT
from guestagent.embedded.real_heat.daemons import ServiceDaemon
from guestagent.embedded.real_heat.paths import RunPaths, ServiceAddresses
from guestagent.embedded.real_heat.release import HeatRelease


def build_database_daemon(paths: RunPaths, account: UnixAccount) -> ServiceDaemon:
    """Build the database server's daemon."""
    argv = ("mariadbd", f"--defaults-file={paths.settings}/mariadb.cnf")
    return ServiceDaemon("mariadb", argv, account, paths.logs / "mariadb.out")


def build_keystone_daemon(
    paths: RunPaths, release: HeatRelease, addresses: ServiceAddresses, account: UnixAccount
) -> ServiceDaemon:
    """Build Keystone's daemon."""
    config = {"OS_KEYSTONE_CONFIG_FILES": str(paths.settings / "keystone.conf")}
    argv = release.build_keystone_command(paths, addresses)
    log = paths.logs / "keystone.out"
    return ServiceDaemon("keystone", argv, account, log, {**_build_environment(paths), **config})


def build_heat_daemon(
    paths: RunPaths, release: HeatRelease, addresses: ServiceAddresses, account: UnixAccount
) -> ServiceDaemon:
    """Build the daemon of Heat's engine and APIs."""
    argv = release.build_heat_command(paths, addresses)
    return ServiceDaemon("heat", argv, account, paths.logs / "heat.out", _build_environment(paths))


def is_database_answering(paths: RunPaths) -> bool:
    """Whether the database server takes connections."""
    with socket.socket(socket.AF_UNIX) as connection, suppress(OSError):
        connection.connect(str(paths.socket))
        return True
    return False


def _build_environment(paths: RunPaths) -> dict[str, str]:
    return {**BARE_ENVIRONMENT, "PYTHONPATH": str(paths.scripts), "PYTHONDONTWRITEBYTECODE": "1"}
