"""A replica on a data volume: its data directory is a folder of the volume, which is mounted once more in its place."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from guestagent.embedded.database_servers import Flavour, copy_data_directory
from guestagent.seeding import SeedMethod
from tests.support.database_servers import DatabaseServer, find_free_port
from tests.support.seed_sources import build_endpoint
from tests.support.seeded_replica import SeededReplica

SERVER_USER = "daemon"
"""A user of every Linux system."""


class ServerWithoutRights(DatabaseServer):
    """A server that does not run as root."""

    def build_argv(self, extra_options: tuple[str, ...]) -> tuple[str, ...]:
        argv = super().build_argv(extra_options)
        return tuple(word.replace("--user=root", f"--user={SERVER_USER}") for word in argv)


@contextmanager
def open_volume_replica(
    data_template: Path, flavour: Flavour, source: DatabaseServer
) -> Iterator[SeededReplica]:
    """Run a replica whose data are given up, on a volume that is root's alone."""
    # Not in pytest's folder, which is root's alone too.
    with TemporaryDirectory() as name:
        folder = Path(name)
        volume, data = folder / "volume", folder / "data"
        folder.chmod(0o777)
        volume.mkdir(mode=0o700)
        data.mkdir()
        copy_data_directory(data_template, volume / "mysql")
        for log in (folder / "error.log", folder / "out"):
            log.touch()
            shutil.chown(log, SERVER_USER)
        _run("chown", "-R", f"{SERVER_USER}:", str(volume / "mysql"))
        _run("mount", "--bind", str(volume / "mysql"), str(data))
        options = ("server-id=4", "super-read-only=1", "skip-replica-start")
        server = ServerWithoutRights(folder, find_free_port(), options, flavour)
        replica = SeededReplica(server, SeedMethod.CLONE, build_endpoint(source))
        try:
            replica.start_server()
            replica.server.execute(
                "SET GLOBAL super_read_only = 0", "CREATE SCHEMA mine", "SET GLOBAL super_read_only = 1"
            )
            replica.change_request(replaces_data=True)
            yield replica
        finally:
            replica.close()
            _run("umount", "--lazy", str(data))


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True)
