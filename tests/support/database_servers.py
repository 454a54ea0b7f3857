"""Real database servers of any flavour, in folders of a test's own; started and ended by their own process.

On loopback, or in a network namespace. Each is the process of its server itself, without a supervisor: MySQL's
RESTART and CLONE end it, as a unit sees it, and `revived` does what the unit would.
"""

from __future__ import annotations

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

SERVER_TIMEOUT_S = 30.0
RESTART_EXIT_STATUS = 16  # the exit status of a mysqld that wants to be started again
MARIADB = FLAVOURS["mariadb1011"]


@cache
def provide_server_root(flavour: Flavour) -> Path:
    """Its programs and libraries, fetched where they are missing."""
    return provide_root(flavour, print)


def install_data_directory(folder: Path, flavour: Flavour = MARIADB) -> Path:
    """A data directory as an installation leaves it: root over the socket, nobody else. Copy it, do not use it."""
    copy_data_directory(provide_data_directory(flavour, print), folder)
    return folder


class DatabaseServer:
    """One server. Ends with the `with` block that `running` opens, whatever happened to it before.

    `options` as in an option file's lines. `address` is where it listens; `namespace` is a network namespace's name.
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
        self._console = RESET_STATEMENTS[flavour.family]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> None:
        """Returns when it answers. `more` are options of this once."""
        with (self.folder / "out").open("ab") as out:
            self._process = subprocess.Popen(
                self._command(more),
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                # Only under somebody who says so does a mysqld end with 16 to be started again.
                env={**os.environ, "MYSQLD_PARENT_PID": str(os.getpid())},
            )
        until = time.monotonic() + SERVER_TIMEOUT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"{self.flavour.name} does not run: {self.read_log()[-2000:]}")
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def send_signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(number)
            self._process.wait(SERVER_TIMEOUT_S)
            self._process = None

    def wait_and_restart(self) -> None:
        """After RESTART or CLONE: it ends with the wish to be started again, and is."""
        assert self._process is not None
        assert self._process.wait(SERVER_TIMEOUT_S) == RESTART_EXIT_STATUS, self.read_log()[-2000:]
        self.start()

    def open(self, timeout: float = 10.0) -> Database:
        return open_database(self.socket, timeout)

    def execute(self, *statements: str) -> list[Row]:
        """What a person at the server's console is told; the answer to the last statement."""
        with closing(self._connected()) as connection, connection.cursor() as cursor:
            for text in statements:
                cursor.execute(text)
            return [dict(row) for row in cursor.fetchall()]

    def reset(self) -> DatabaseServer:
        """As new: no channel, account, schema or history; writable, and its server id as it was started with."""
        console = self._console
        self.execute(console.stop)
        drops = [f"DROP {row['what']}" for row in self.execute(console.list_added)]
        server_id = next(
            option.partition("=")[2] for option in self.options if option.startswith("server-id=")
        )
        self.execute(*console.forget, f"SET GLOBAL server_id = {server_id}")
        self.execute("SET SESSION sql_log_bin = 0", *drops)
        self._disconnect_replicas()
        self.execute("SET SESSION sql_log_bin = 0", *console.erase)
        return self

    def query_value(self, expression: str) -> str | None:
        return self.execute(f"SELECT {expression} AS value")[0]["value"]

    def read_position(self) -> tuple[str | None, str | None]:
        """Where the binary log ends: a statement that is logged moves it."""
        row = self.execute(self._console.position)[0]
        return row["File"], row["Position"]

    def read_log(self) -> str:
        return self._read("error.log") or self._read("out")

    def read_all_logs(self) -> bytes:
        """Every file in which a server might leave a statement: error, general, slow and binary log."""
        self.execute("FLUSH LOGS")
        names = ("error.log", "general.log", "slow.log", "data/binlog.0*")
        return b"".join(path.read_bytes() for name in names for path in sorted(self.folder.glob(name)))

    def _disconnect_replicas(self) -> None:
        """Kill their connections, and return when the server lists no replica: that is later than KILL returns.

        A replica that was killed stays listed until the server writes to it. Without an account, none comes back.
        """
        until = time.monotonic() + SERVER_TIMEOUT_S
        while (dumps := self.execute(self._console.dumps)) or self.execute(self._console.replicas):
            assert time.monotonic() < until, f"{self.flavour.name} does not let go of its replicas"
            for row in dumps:
                with suppress(pymysql.OperationalError):  # it has just ended by itself
                    self.execute(f"KILL {row['id']}")
            time.sleep(0.01)

    def _read(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as knocking:  # PyMySQL drops a socket that leads nowhere, unclosed
            if knocking.connect_ex(self.socket):
                return False
        try:
            self._connected().close()
        except pymysql.OperationalError:
            return False
        return True

    def _connected(self) -> pymysql.Connection[DictCursor]:
        return pymysql.connect(
            unix_socket=self.socket,
            user="root",
            ssl_disabled=True,
            autocommit=True,
            read_timeout=SERVER_TIMEOUT_S,
            conv={},
            cursorclass=DictCursor,
        )

    def _command(self, more: tuple[str, ...]) -> tuple[str, ...]:
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
            *self._console.options,
            *self.options,
            *more,
        )
        argv = (
            self.flavour.server_program,
            "--defaults-file=/dev/null",
            *(f"--{option}" for option in options),
        )
        placed = build_root_command(provide_server_root(self.flavour), argv)
        return (
            placed
            if self.namespace is None
            else ("nsenter", f"--net=/run/netns/{self.namespace}", "--", *placed)
        )


@contextmanager
def open_server(
    folder: Path,
    template: Path,
    *options: str,
    flavour: Flavour = MARIADB,
    address: str = "127.0.0.1",
    namespace: str | None = None,
) -> Iterator[DatabaseServer]:
    """A fresh server in the folder, which may be there (a disk's mount point, say) but holds no data yet."""
    folder.mkdir(exist_ok=True)
    copy_data_directory(template, folder / "data")
    server = DatabaseServer(folder, find_free_port(), options, flavour, address, namespace)
    try:
        server.start()
        yield server
    finally:
        server.stop(signal.SIGKILL)


def find_free_port() -> int:
    """Of those that the kernel gives to nobody by itself: it must be free again when the server is started anew."""
    while True:
        port = random.randrange(10000, 32768)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            return port
