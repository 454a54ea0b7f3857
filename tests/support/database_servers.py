"""Real database servers of any flavour, each in a folder of the test, on loopback or in a network namespace.

Each runs without a supervisor. MySQL's RESTART and CLONE therefore end the process, and `wait_and_restart` starts it
again as a systemd unit would.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path

import pymysql
from pymysql.cursors import DictCursor

from guestagent.database.detect import open_database
from guestagent.database.driver import Row
from guestagent.database.protocols import Database
from guestagent.embedded.database_servers import (
    FLAVOURS,
    Flavour,
    build_root_command,
    copy_data_directory,
    provide_data_directory,
    provide_root,
)
from tests.support.server_reset_statements import RESET_STATEMENTS

SERVER_TIMEOUT_S = 120.0
RESTART_EXIT_STATUS = 16  # a mysqld ends with it to be started again
MARIADB = FLAVOURS["mariadb1011"]
FIXED_PORTS = range(10000, 32768)
WORKER_LIMIT = 16
READ_ONLY_VARIABLES = {"mariadb": "read_only", "mysql": "super_read_only"}
"""The variable that makes a server read-only when an image boots."""


@cache
def provide_server_root(flavour: Flavour) -> Path:
    """Return the folder with the programs and libraries of a flavour; download them if they are missing."""
    return provide_root(flavour, print)


def install_data_directory(folder: Path, flavour: Flavour = MARIADB) -> Path:
    """Create a data directory as after an installation, with root over the socket only. Copy it; do not use it."""
    copy_data_directory(provide_data_directory(flavour, print), folder)
    return folder


class DatabaseServer:
    """One server, which `open_server` stops at the end of its block.

    `options` are lines of an option file. `address` is its bind address, `namespace` the name of a network namespace.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        options: tuple[str, ...],
        flavour: Flavour = MARIADB,
        address: str = "127.0.0.1",
        namespace: str | None = None,
    ) -> None:
        self.folder, self.port, self.options = folder, port, options
        self.flavour, self.address, self.namespace = flavour, address, namespace
        self.socket = str(folder / "s")
        self.statements = RESET_STATEMENTS[flavour.family]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *extra_options: str) -> None:
        """Start the server and wait until it accepts a login. A later start does not keep the extra options."""
        with (self.folder / "out").open("ab") as out:
            self._process = subprocess.Popen(
                self.build_argv(extra_options),
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                # A mysqld ends with 16 only if this variable announces a supervisor.
                env={**os.environ, "MYSQLD_PARENT_PID": str(os.getpid())},
            )
        deadline = time.monotonic() + SERVER_TIMEOUT_S
        while not self.is_accepting_logins():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{self.flavour.name} does not run: {self.read_log()[-2000:]}")
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether the process that `start` has started is not running any more."""
        return self._process is None or self._process.poll() is not None

    def send_signal(self, signal_number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(signal_number)

    def stop(self, signal_number: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(signal_number)
            self._process.wait(SERVER_TIMEOUT_S)
            self._process = None

    def wait_and_restart(self) -> None:
        """Wait for the end of the process after RESTART or CLONE, and start it again."""
        assert self._process is not None
        assert self._process.wait(SERVER_TIMEOUT_S) == RESTART_EXIT_STATUS, self.read_log()[-2000:]
        self.start()

    def open(self, timeout: float = 10.0) -> Database:
        return open_database(self.socket, timeout)

    def execute(self, *statements: str) -> list[Row]:
        """Execute statements as root over the socket; return the rows of the last one."""
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            for text in statements:
                cursor.execute(text)
            return [dict(row) for row in cursor.fetchall()]

    def reset(self) -> DatabaseServer:
        """Remove channels, accounts, schemas and history; make it writable, and restore the server id of its start."""
        statements = self.statements
        self.execute(statements.stop)
        drops = [f"DROP {row['what']}" for row in self.execute(statements.list_added)]
        server_id = next(
            option.partition("=")[2] for option in self.options if option.startswith("server-id=")
        )
        self.execute(*statements.forget, f"SET GLOBAL server_id = {server_id}")
        self.execute("SET SESSION sql_log_bin = 0", *drops)
        self._kill_replica_connections()
        self.execute("SET SESSION sql_log_bin = 0", *statements.erase)
        return self

    def query_value(self, expression: str) -> str | None:
        return self.execute(f"SELECT {expression} AS value")[0]["value"]

    def read_position(self) -> tuple[str | None, str | None]:
        """Return file and offset of the end of the binary log: each logged statement advances it."""
        row = self.execute(self.statements.position)[0]
        return row["File"], row["Position"]

    def read_log(self) -> str:
        return self._read("error.log") or self._read("out")

    def read_all_logs(self) -> bytes:
        """Return the content of every file that may contain a statement: error, general, slow and binary log."""
        self.execute("FLUSH LOGS")
        names = ("error.log", "general.log", "slow.log", "data/binlog.0*")
        return b"".join(path.read_bytes() for name in names for path in sorted(self.folder.glob(name)))

    def _kill_replica_connections(self) -> None:
        """Kill the connections of all replicas, and wait until the server lists none, which is later than KILL returns.

        A killed connection stays listed until the server writes to it. Without an account no replica can reconnect.
        """
        deadline = time.monotonic() + SERVER_TIMEOUT_S
        while (dumps := self.execute(self.statements.dumps)) or self.execute(self.statements.replicas):
            assert time.monotonic() < deadline, f"{self.flavour.name} still lists its replicas"
            for row in dumps:
                with suppress(pymysql.OperationalError):  # the connection has just ended
                    self.execute(f"KILL {row['id']}")
            time.sleep(0.01)

    def _read(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""

    def is_accepting_logins(self) -> bool:
        """Return whether root can log in over the socket now."""
        with socket.socket(socket.AF_UNIX) as probe:  # PyMySQL does not close a socket whose connection fails
            if probe.connect_ex(self.socket):
                return False
        try:
            self.connect().close()
        except pymysql.OperationalError:
            return False
        return True

    def connect(self) -> pymysql.Connection[DictCursor]:
        return pymysql.connect(
            unix_socket=self.socket,
            user="root",
            ssl_disabled=True,
            autocommit=True,
            read_timeout=SERVER_TIMEOUT_S,
            conv={},
            cursorclass=DictCursor,
        )

    def build_argv(self, extra_options: tuple[str, ...]) -> tuple[str, ...]:
        """Build the command that becomes the server."""
        options = (
            f"datadir={self.folder}/data",
            f"socket={self.socket}",
            f"pid-file={self.folder}/pid",
            f"log-error={self.folder}/error.log",
            f"tmpdir={self.folder}",
            f"port={self.port}",
            "user=root",
            f"bind-address={self.address}",
            "skip-name-resolve",
            "log-bin=binlog",
            *self.statements.options,
            *self.options,
            *extra_options,
        )
        argv = (
            self.flavour.server_program,
            "--defaults-file=/dev/null",
            *(f"--{option}" for option in options),
        )
        root_argv = build_root_command(provide_server_root(self.flavour), argv)
        return (
            root_argv
            if self.namespace is None
            else ("nsenter", f"--net=/run/netns/{self.namespace}", "--", *root_argv)
        )


@contextmanager
def open_server(
    folder: Path,
    data_template: Path,
    *options: str,
    flavour: Flavour = MARIADB,
    address: str = "127.0.0.1",
    namespace: str | None = None,
) -> Iterator[DatabaseServer]:
    """Run a new server in a folder, which may already exist without data (for example as a mount point)."""
    folder.mkdir(exist_ok=True)
    copy_data_directory(data_template, folder / "data")
    server = DatabaseServer(folder, find_free_port(), options, flavour, address, namespace)
    try:
        server.start()
        yield server
    finally:
        server.stop(signal.SIGKILL)


def find_free_port() -> int:
    """Return a port outside the kernel's ephemeral range, so that it is still free when the server is restarted.

    Each of pytest's workers has ports of its own, and uses none again before it has used all.
    """
    while True:
        port = next(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            return port


def _list_ports(worker: str) -> Iterator[int]:
    """Yield the ports of a worker again and again, from any of them on."""
    number = int(worker.removeprefix("gw") or 0) % WORKER_LIMIT
    ports = list(FIXED_PORTS[number::WORKER_LIMIT])
    first = random.randrange(len(ports))
    return itertools.cycle(ports[first:] + ports[:first])


_PORTS = _list_ports(os.environ.get("PYTEST_XDIST_WORKER", ""))
