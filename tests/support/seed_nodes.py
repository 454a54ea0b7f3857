"""A source with a donor service and a replica that is seeded: real servers and processes that can be killed."""

from __future__ import annotations

import hashlib
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from guestagent.secret import Secret
from guestagent.seeding import DonorEndpoint, SeedFiles, SeedMethod, SeedPhase, SeedRequest, SeedState
from guestagent.seeding.donor import AdmittedReplica, DonorConfiguration, write_configuration
from tests.support.certificates import Certificate
from tests.support.database_servers import DatabaseServer, find_free_port, provide_server_root
from tests.support.polling import wait_until

PASSWORD = Secret("donor's own word 4711")
CHECKSUMS = "CHECKSUM TABLE shop.filler, shop.orders EXTENDED"
PROCESS_TIMEOUT_S = 40.0


def fill_source(source: DatabaseServer, mebibytes: int) -> None:
    """Create two tables: one of this size, and one for a writer."""
    source.execute(
        "CREATE SCHEMA shop",
        "CREATE TABLE shop.filler (id INT PRIMARY KEY, pad LONGBLOB)",
        "CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(200))",
        "CREATE EVENT shop.clearance ON SCHEDULE EVERY 1 HOUR DO DELETE FROM shop.orders",
    )
    source.execute("INSERT INTO shop.filler SELECT 1, REPEAT(RANDOM_BYTES(1024), 1000)")
    for _ in range(1, mebibytes):
        source.execute(
            "INSERT INTO shop.filler SELECT MAX(id) + 1, REPEAT(RANDOM_BYTES(1024), 1000) FROM shop.filler"
        )


@contextmanager
def run_writer(source: DatabaseServer) -> Iterator[None]:
    """Write small transactions during the block."""
    is_ended = threading.Event()

    def write() -> None:
        while not is_ended.wait(0.01):
            source.execute("INSERT INTO shop.orders (text) VALUES (UUID())")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        is_ended.set()
        thread.join()


def compute_fingerprint(certificate: Certificate) -> str:
    der = ssl.PEM_cert_to_DER_cert(certificate.certificate.read_text())
    return hashlib.sha256(der).hexdigest()


@dataclass(slots=True)
class DonorProcess:
    """`guestagent donor serve` for a source, in a process of its own."""

    source: DatabaseServer
    folder: Path
    certificate: Certificate
    port: int = field(default_factory=find_free_port)
    rate_limit: int = 0
    command_prefix: tuple[str, ...] = ()
    _process: subprocess.Popen[bytes] | None = None

    @property
    def path(self) -> Path:
        return self.folder / "donor.json"

    @property
    def log(self) -> str:
        return (self.folder / "donor.log").read_text()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def configure(self, *nodes: str) -> None:
        """Admit these nodes."""
        certificate, key = self.certificate.texts
        write_configuration(
            self.path,
            DonorConfiguration(
                port=self.port,
                socket=self.source.socket,
                data_directory=f"{self.source.folder}/data",
                replicas=tuple(AdmittedReplica(node, f"donor-{node}", PASSWORD) for node in nodes),
                certificate=certificate,
                key=Secret(key),
                rate_limit=self.rate_limit,
            ),
        )

    def start(self) -> None:
        root = str(provide_server_root(self.source.flavour))
        argv = (sys.executable, "-m", "tests.support.donor_service", str(self.path), root)
        with (self.folder / "donor.log").open("ab") as log:
            self._process = subprocess.Popen((*self.command_prefix, *argv), stdout=log, stderr=log)
        before = self.log.count("listening")
        wait_until(lambda: self.log.count("listening") > before)

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End the service, and return its exit status."""
        if self._process is None:
            return 0
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end of the service, and return its exit status."""
        assert self._process is not None
        status = self._process.wait(PROCESS_TIMEOUT_S)
        self._process = None
        return status

    def list_backups(self) -> list[int]:
        """Return the process ids of its mariadb-backup."""
        return find_processes("mariadb-backup", f"--socket={self.source.socket}")


@dataclass(slots=True)
class SeededReplica:
    """A replica's server, which its own scripts start and stop, and a worker that seeds it."""

    server: DatabaseServer
    state_folder: Path
    _process: subprocess.Popen[bytes] | None = None

    @property
    def files(self) -> SeedFiles:
        return SeedFiles(self.state_folder)

    @property
    def data(self) -> Path:
        return self.server.folder / "data"

    @property
    def state(self) -> SeedState | None:
        return self.files.read_state()

    @property
    def log(self) -> str:
        path = self.state_folder / "worker.log"
        return path.read_text() if path.exists() else ""

    def start_server(self) -> None:
        """Start the server by its script, so that it is not a child of this process."""
        self.server.stop()
        write_server_scripts(self.server)
        subprocess.run([self.server.folder / "start"], check=True)
        wait_until(self.server.is_accepting_logins)

    def start_worker(self, *kill_point: str) -> None:
        root = str(provide_server_root(self.server.flavour))
        argv = [sys.executable, "-m", "tests.support.seed_worker", str(self.state_folder), root]
        with (self.state_folder / "worker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*argv, str(self.server.folder), *kill_point], stdout=log, stderr=log
            )

    def kill_worker(self) -> None:
        """Kill the worker, and wait until what it has started is gone too."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._wait_for_children()

    def _wait_for_children(self) -> None:
        wait_until(lambda: not find_processes("mbstream", str(self.data.parent)))
        wait_until(lambda: not find_processes("mariadb-backup", "--prepare", str(self.data.parent)))

    def wait_for_end(self, timeout_s: float = PROCESS_TIMEOUT_S) -> SeedState:
        """Wait for the end of the worker, and return the state of the seed."""
        assert self._process is not None
        self._process.wait(timeout_s)
        assert self.state is not None, self.log
        return self.state

    def run_until(self, point: str) -> SeedState:
        """Run the worker until it kills itself at this point."""
        self.start_worker(point)
        assert self._process is not None
        assert self._process.wait(PROCESS_TIMEOUT_S) == -signal.SIGKILL, self.log
        self._wait_for_children()
        assert self.state is not None
        return self.state

    def wait_for(self, phase: SeedPhase, failure: str = "") -> None:
        """Wait until the seed is in this phase, with this failure of an earlier attempt."""
        wait_until(
            lambda: self.state is not None and self.state.phase is phase and failure in self.state.failure,
            PROCESS_TIMEOUT_S,
        )

    def seed(self) -> SeedState:
        """Run the worker to its end."""
        self.start_worker()
        return self.wait_for_end()

    def stop(self) -> None:
        """End the worker and the server, whoever started it."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self.kill_server()

    def kill_server(self) -> None:
        """Kill the server, whoever started it."""
        for pid in find_processes("mariadbd", f"--socket={self.server.socket}"):
            kill(pid)


def build_request(donor: DonorProcess, replica: SeededReplica, node: str = "Replica0001") -> SeedRequest:
    """Build the request that the replica's agent would write."""
    endpoint = DonorEndpoint(
        host="127.0.0.1",
        port=donor.source.port,
        user=f"donor-{node}",
        password=PASSWORD,
        stream_port=donor.port,
        fingerprint=compute_fingerprint(donor.certificate),
    )
    return SeedRequest(
        id="a1",
        method=SeedMethod.BACKUP,
        family="mariadb",
        node=node,
        socket=replica.server.socket,
        data_directory=str(replica.data),
        donor=endpoint,
        deadline_s=3600,
    )


def follow_source(replica: SeededReplica, source: DatabaseServer) -> None:
    """Point the channel, as the agent does after a seed, and wait until the replica has everything."""
    replica.server.execute(
        f"CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT={source.port}, MASTER_USER='copier', "
        "MASTER_PASSWORD='channel word', MASTER_USE_GTID=slave_pos, MASTER_SSL_VERIFY_SERVER_CERT=0",
        "START SLAVE",
    )
    position = source.query_value("@@gtid_binlog_pos")
    wait_until(lambda: replica.server.query_value(f"MASTER_GTID_WAIT('{position}', 1)") == "0")


def change_endpoint(request: SeedRequest, **values: object) -> SeedRequest:
    return replace(request, donor=replace(request.donor, **values))  # type: ignore[arg-type]


def find_processes(*words: str) -> list[int]:
    """Return the ids of processes whose command line has all of these words."""
    return [pid for pid, line in list_commands() if all(word in line for word in words)]


def list_commands() -> Iterator[tuple[int, str]]:
    """List the running processes and their command lines."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield int(path.parent.name), path.read_bytes().replace(b"\0", b" ").decode(errors="replace")


def kill(pid: int) -> None:
    """Kill a process, and wait until it is gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{pid}/exe").exists())


def write_server_scripts(server: DatabaseServer) -> None:
    """Write the scripts with which the worker starts and stops the server."""
    argv = server.build_argv(())
    start, stop = server.folder / "start", server.folder / "stop"
    quoted = " ".join(f"'{word}'" for word in argv)
    running = f"kill -0 $(cat {server.folder}/pid 2>/dev/null) 2>/dev/null"
    start.write_text(
        f"#!/bin/sh\n{running} && exit 0\nsetsid {quoted} </dev/null >>{server.folder}/out 2>&1 &\n"
    )
    stop.write_text(
        f"#!/bin/sh\npid=$(cat {server.folder}/pid 2>/dev/null) || exit 0\nkill $pid 2>/dev/null || exit 0\n"
        "while kill -0 $pid 2>/dev/null; do sleep 0.1; done\n"
    )
    for script in (start, stop):
        script.chmod(0o755)
