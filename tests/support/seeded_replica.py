"""A replica that is seeded: a real server, started by scripts, and a worker, all of which can be killed."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from guestagent.embedded.database_servers import Flavour, copy_data_directory
from guestagent.seeding import DonorEndpoint, SeedFiles, SeedMethod, SeedPhase, SeedRequest, SeedState
from tests.support.database_servers import (
    READ_ONLY_VARIABLES,
    DatabaseServer,
    find_free_port,
    provide_server_root,
)
from tests.support.polling import wait_until
from tests.support.processes import find_processes, kill
from tests.support.seed_sources import CHANNEL_PASSWORD, CHANNEL_USER, SERVER_LOGS
from tests.support.server_scripts import write_server_scripts

WORKER_TIMEOUT_S = 300.0


@dataclass(slots=True)
class SeededReplica:
    """A replica's server, which its scripts start and stop, and the worker of the request that is in `files`."""

    server: DatabaseServer
    method: SeedMethod
    donor: DonorEndpoint
    node: str = "Replica0001"
    is_supervised: bool = True
    request: SeedRequest = field(init=False)
    _process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.request = SeedRequest(
            id="a1",
            method=self.method,
            family=self.server.flavour.family,
            node=self.node,
            socket=self.server.socket,
            data_directory=f"{self.data}/",
            donor=self.donor,
        )
        self.write_scripts()
        self.files.write_request(self.request)

    @property
    def folder(self) -> Path:
        return self.server.folder

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def files(self) -> SeedFiles:
        return SeedFiles(self.folder / "state")

    @property
    def state(self) -> SeedState | None:
        return self.files.read_state()

    @property
    def log(self) -> str:
        path = self.folder / "worker.log"
        return path.read_text() if path.exists() else ""

    def write_scripts(self) -> None:
        write_server_scripts(self.server, is_supervised=self.is_supervised)

    def start_server(self) -> None:
        subprocess.run([str(self.folder / "start")], check=True)
        wait_until(self.server.is_accepting_logins)

    def stop_server(self) -> None:
        subprocess.run([str(self.folder / "stop")], check=True)

    def kill_server(self) -> None:
        """Kill the server, whoever started it."""
        for pid in find_processes(f"--pid-file={self.folder}/pid"):
            kill(pid)

    def change_request(self, **values: object) -> None:
        self.request = replace(self.request, **values)  # type: ignore[arg-type]
        self.files.write_request(self.request)

    def change_donor(self, **values: object) -> None:
        self.change_request(donor=replace(self.request.donor, **values))  # type: ignore[arg-type]

    def seed(self) -> SeedState:
        """Run the worker to its end."""
        self.start_worker()
        return self.wait_for_worker()

    def withdraw(self) -> SeedState:
        """Run the worker to its end without a request."""
        self.files.remove_request()
        return self.seed()

    def start_worker(self, *kill_point: str, program: str = "seed_worker") -> None:
        root = provide_server_root(self.server.flavour)
        folders = map(str, (self.folder / "state", root, self.folder))
        argv = (sys.executable, "-m", f"tests.support.{program}", *folders, *kill_point)
        with (self.folder / "worker.log").open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)

    def kill_worker(self) -> None:
        """Kill the worker, and wait until what it has started is gone too."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._wait_for_children()

    def kill_worker_at(self, point: str) -> None:
        """Run the worker until it kills itself at this point: see `is_kill_point`."""
        self.start_worker(point)
        assert self._process is not None
        assert self._process.wait(WORKER_TIMEOUT_S) == -signal.SIGKILL, self.log
        self._wait_for_children()

    def kill_worker_before_change(self, number: int) -> bool:
        """Run the worker until it kills itself before the change of this number. Return whether it made so many."""
        self.start_worker(str(number), program="seed_worker_killed_at_change")
        assert self._process is not None
        status = self._process.wait(WORKER_TIMEOUT_S)
        assert status in (0, -signal.SIGKILL), self.log
        self._wait_for_children()
        return status != 0

    def _wait_for_children(self) -> None:
        wait_until(lambda: not find_processes("mbstream", str(self.folder)))
        wait_until(lambda: not find_processes("mariadb-backup", "--prepare", str(self.folder)))

    def wait_for_worker(self, timeout_s: float = WORKER_TIMEOUT_S) -> SeedState:
        """Wait for the end of the worker, and return the state of the seed."""
        assert self._process is not None
        self._process.wait(timeout_s)
        assert self.state is not None, self.log
        return self.state

    def wait_for(self, phase: SeedPhase, failure: str = "") -> None:
        """Wait until the seed is in this phase, with this failure of an earlier attempt."""
        wait_until(
            lambda: self.state is not None and self.state.phase is phase and failure in self.state.failure
        )

    def wait_for_failure(self, text: str, timeout_s: float = 60.0) -> None:
        """Wait until an attempt has failed in this way."""
        wait_until(lambda: self.state is not None and text in self.state.failure, timeout_s)

    def wait_for_bytes(self) -> None:
        """Wait until some of the data have come."""
        wait_until(lambda: self.state is not None and is_kill_point(self.state, "bytes"))

    def close(self) -> None:
        """Kill the worker and the server."""
        if self._process is not None and self._process.poll() is None:
            self.kill_worker()
        self.kill_server()

    def follow_source(self, source: DatabaseServer) -> None:
        """Point the channel as the agent does, and wait until all of the source's transactions are applied."""
        place = f"HOST='127.0.0.1', %s_PORT={source.port}, %s_USER='{CHANNEL_USER}', %s_PASSWORD='{CHANNEL_PASSWORD}'"
        if self.server.flavour.family == "mysql":
            place = place.replace("%s", "SOURCE")
            self.server.execute(
                f"CHANGE REPLICATION SOURCE TO SOURCE_{place}, SOURCE_AUTO_POSITION=1, SOURCE_SSL=1",
                "START REPLICA",
            )
            executed = source.query_value("@@GLOBAL.gtid_executed")
            query = f"WAIT_FOR_EXECUTED_GTID_SET('{executed}', 50)"
        else:
            place = place.replace("%s", "MASTER")
            self.server.execute(
                f"CHANGE MASTER TO MASTER_{place}, MASTER_USE_GTID=slave_pos, MASTER_SSL=1,"
                " MASTER_SSL_VERIFY_SERVER_CERT=0",
                "START SLAVE",
            )
            query = f"MASTER_GTID_WAIT('{source.query_value('@@gtid_binlog_pos')}', 50)"
        assert self.server.query_value(query) == "0", self.server.execute("SHOW REPLICA STATUS")

    def count_drops(self) -> int:
        """Count the beginnings of a CLONE in place in the log of a MySQL server."""
        return self.server.read_log().count("provisioning: Started")


def is_kill_point(state: SeedState, point: str) -> bool:
    """Decide whether a seed has reached a point.

    It is the name of a phase, "bytes" when some have come, or a key or a value of the runner's memo.
    """
    if point == "bytes":
        return state.phase is SeedPhase.TRANSFERRING and state.bytes_done > 0
    return point in (str(state.phase), *state.memo, *state.memo.values())


@contextmanager
def open_replica(
    folder: Path,
    data_template: Path,
    flavour: Flavour,
    method: SeedMethod,
    donor: DonorEndpoint,
    number: int = 1,
    options: tuple[str, ...] = (),
) -> Iterator[SeededReplica]:
    """Run an empty replica, as an image boots it, in a folder that may exist. Its events would be executed."""
    folder.mkdir(exist_ok=True)
    copy_data_directory(data_template, folder / "data")
    read_only = READ_ONLY_VARIABLES[flavour.family].replace("_", "-")
    all_options = (
        f"server-id={number + 1}",
        f"{read_only}=1",
        "skip-slave-start",
        "event-scheduler=ON",
        *SERVER_LOGS,
        *options,
    )
    server = DatabaseServer(folder, find_free_port(), all_options, flavour)
    replica = SeededReplica(server, method, donor, f"Replica{number:04d}")
    try:
        replica.start_server()
        yield replica
    finally:
        replica.close()
        shutil.rmtree(folder / "data", ignore_errors=True)
