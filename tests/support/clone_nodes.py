"""A source and a replica for CLONE: real servers, started by scripts, and a worker, all of which can be killed."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from guestagent.database.driver import Row
from guestagent.seeding import DonorEndpoint, SeedFiles, SeedMethod, SeedPhase, SeedRequest, SeedState
from guestagent.seeding.worker import run_seed
from tests.support.clone_worker import build_environment
from tests.support.database_servers import DatabaseServer
from tests.support.polling import wait_until
from tests.support.seed_nodes import CHECKSUMS, PASSWORD, fill_source, kill

CHANNEL_PASSWORD = "channel word 0815"
WORKER_TIMEOUT_S = 120.0
START_SCRIPT = """\
#!/bin/sh
# Each start without a running server is one; a server that ends with 16 is started again.
[ -e "/proc/$(cat '{folder}/pid' 2>/dev/null)/exe" ] && exit 0
rm -f '{folder}/s' '{folder}/pid'
{environment} setsid sh -c 'while :; do "$@"; [ $? = 16 ] || exit; done' sh {command} </dev/null >>'{folder}/out' 2>&1 &
"""
STOP_SCRIPT = """\
#!/bin/sh
pid=$(cat '{folder}/pid' 2>/dev/null) || exit 0
kill "$pid" 2>/dev/null
while [ -e "/proc/$pid/exe" ]; do sleep 0.1; done
rm -f '{folder}/s'
"""


def fill_clone_source(source: DatabaseServer, mebibytes: int) -> None:
    """Fill a source without the log of that, with both accounts."""
    fill_source(source, mebibytes)
    source.execute(
        f"CREATE USER channel@'%' IDENTIFIED BY '{CHANNEL_PASSWORD}'",
        "GRANT REPLICATION SLAVE ON *.* TO channel@'%'",
        "INSTALL PLUGIN clone SONAME 'mysql_clone.so'",
    )
    create_donor_account(source)
    source.execute("FLUSH BINARY LOGS", "PURGE BINARY LOGS BEFORE NOW() + INTERVAL 1 DAY")


def create_donor_account(source: DatabaseServer) -> None:
    """Create the donor account as the source's agent does."""
    password = PASSWORD.reveal().replace("'", "''")
    source.execute(
        f"CREATE USER donor@'%' IDENTIFIED BY '{password}' REQUIRE SSL",
        "GRANT BACKUP_ADMIN ON *.* TO donor@'%'",
    )


class Killed(BaseException):
    """Ends a worker in this process, as kill -9 would."""


class KillingFiles(SeedFiles):
    """Files of a seed. `is_fatal` decides whether the worker is killed after a state is written."""

    is_fatal = staticmethod(lambda state: False)

    def write_state(self, state: SeedState) -> None:
        super().write_state(state)
        if self.is_fatal(state):
            raise Killed


@dataclass(slots=True)
class CloneReplica:
    """A replica's server, which its scripts start and stop, and a worker that seeds it."""

    server: DatabaseServer
    source: DatabaseServer
    is_supervised: bool = True
    request: SeedRequest = field(init=False)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.request = SeedRequest(
            id="a1",
            method=SeedMethod.CLONE,
            family="mysql",
            node="Replica0001",
            socket=self.server.socket,
            data_directory=f"{self.data}/",
            donor=DonorEndpoint("127.0.0.1", self.source.port, "donor", PASSWORD, requires_tls=True),
        )
        self.write_scripts()
        self.folder.joinpath("state").mkdir()

    @property
    def folder(self) -> Path:
        return self.server.folder

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def files(self) -> KillingFiles:
        return KillingFiles(self.folder / "state")

    @property
    def log(self) -> str:
        return (self.folder / "worker.log").read_text()

    def write_scripts(self) -> None:
        command = " ".join(f"'{word}'" for word in self.server.build_argv(()))
        environment = "MYSQLD_PARENT_PID=1" if self.is_supervised else "env -u MYSQLD_PARENT_PID"
        for name, script in (("start", START_SCRIPT), ("stop", STOP_SCRIPT)):
            path = self.folder / name
            path.write_text(script.format(folder=self.folder, command=command, environment=environment))
            path.chmod(0o755)

    def start_server(self) -> None:
        subprocess.run([str(self.folder / "start")], check=True)
        wait_until(self.server.is_accepting_logins)

    def stop_server(self) -> None:
        subprocess.run([str(self.folder / "stop")], check=True)

    def change_request(self, **values: object) -> None:
        self.request = replace(self.request, **values)  # type: ignore[arg-type]

    def seed_here(self, files: SeedFiles | None = None) -> SeedState:
        """Run the worker in this process, to its end."""
        files = files or self.files
        files.write_request(self.request)
        state = run_seed(build_environment(files, self.folder, []))
        assert state is not None
        return state

    def kill_worker_at(self, is_fatal: object) -> None:
        """Run the worker in this process until it is killed."""
        files = self.files
        files.is_fatal = is_fatal  # type: ignore[assignment]
        with suppress(Killed):
            self.seed_here(files)
            raise AssertionError("the worker was not killed")

    def start_worker(self) -> None:
        self.files.write_request(self.request)
        argv = [
            sys.executable,
            "-m",
            "tests.support.clone_worker",
            str(self.folder / "state"),
            str(self.folder),
        ]
        with (self.folder / "worker.log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)

    def wait_for_worker(self, timeout_s: float = WORKER_TIMEOUT_S) -> SeedState:
        assert self._process is not None
        self._process.wait(timeout_s)
        state = self.files.read_state()
        assert state is not None, self.log
        return state

    def wait_for_bytes(self) -> None:
        """Wait until some data have come."""
        wait_until(
            lambda: self._read_state().phase is SeedPhase.TRANSFERRING and self._read_state().bytes_done > 0
        )

    def _read_state(self) -> SeedState:
        return self.files.read_state() or SeedState("", SeedMethod.CLONE, "")

    def wait_for_log(self, text: str, timeout_s: float) -> None:
        wait_until(lambda: text in self.log, timeout_s)

    def run_worker(self) -> None:
        """Run the worker in this process, with the request that is there or without one."""
        run_seed(build_environment(self.files, self.folder, []))

    def kill_worker(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def kill_server(self) -> None:
        with suppress(FileNotFoundError, ValueError):
            kill(int((self.folder / "pid").read_text()))

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill_worker()
        self.kill_server()

    def follow_source(self) -> None:
        """Point the channel as the agent does, and wait until all of the source's transactions are applied."""
        self.server.execute(
            f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT={self.source.port},"
            f" SOURCE_USER='channel', SOURCE_PASSWORD='{CHANNEL_PASSWORD}', SOURCE_AUTO_POSITION=1, SOURCE_SSL=1",
            "START REPLICA",
        )
        executed = self.source.query_value("@@GLOBAL.gtid_executed")
        assert self.server.query_value(f"WAIT_FOR_EXECUTED_GTID_SET('{executed}', 50)") == "0"

    def read_checksums(self) -> list[Row]:
        return self.server.execute(CHECKSUMS)

    def count_drops(self) -> int:
        """Count the beginnings of a CLONE in place."""
        return self.server.read_log().count("provisioning: Started")
