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

from guestagent.database.connection import Row
from guestagent.database.edge import Database
from guestagent.database.open import open_database
from guestagent.embedded.servers import FLAVOURS, Flavour, copy, prepared, provide, within
from tests.integration.consoles import CONSOLES

PATIENCE = 30.0
RESTART_ME = 16  # the exit status of a mysqld that wants to be started again
MARIADB = FLAVOURS["mariadb1011"]


@cache
def root_of(flavour: Flavour) -> Path:
    """Its programs and libraries, fetched where they are missing."""
    return provide(flavour, print)


def installed(folder: Path, flavour: Flavour = MARIADB) -> Path:
    """A data directory as an installation leaves it: root over the socket, nobody else. Copy it, do not use it."""
    copy(prepared(flavour, print), folder)
    return folder


class Server:
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
        self._console = CONSOLES[flavour.family]
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
        until = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"{self.flavour.name} does not run: {self.log()[-2000:]}")
            time.sleep(0.05)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(number)
            self._process.wait(PATIENCE)
            self._process = None

    def revived(self) -> None:
        """After RESTART or CLONE: it ends with the wish to be started again, and is."""
        assert self._process is not None
        assert self._process.wait(PATIENCE) == RESTART_ME, self.log()[-2000:]
        self.start()

    def open(self, timeout: float = 10.0) -> Database:
        return open_database(self.socket, timeout)

    def ask(self, *statements: str) -> list[Row]:
        """What a person at the server's console is told; the answer to the last statement."""
        with closing(self._connected()) as connection, connection.cursor() as cursor:
            for text in statements:
                cursor.execute(text)
            return [dict(row) for row in cursor.fetchall()]

    def emptied(self) -> Server:
        """As new: no channel, account, schema or history; writable, and its server id as it was started with."""
        console = self._console
        self.ask(console.stop)
        drops = [f"DROP {row['what']}" for row in self.ask(console.added)]
        server_id = next(
            option.partition("=")[2] for option in self.options if option.startswith("server-id=")
        )
        self.ask(*console.forget, f"SET GLOBAL server_id = {server_id}")
        self.ask("SET SESSION sql_log_bin = 0", *drops)
        self._disconnect_replicas()
        self.ask("SET SESSION sql_log_bin = 0", *console.erase)
        return self

    def value(self, expression: str) -> str | None:
        return self.ask(f"SELECT {expression} AS value")[0]["value"]

    def position(self) -> tuple[str | None, str | None]:
        """Where the binary log ends: a statement that is logged moves it."""
        row = self.ask(self._console.position)[0]
        return row["File"], row["Position"]

    def log(self) -> str:
        return self._read("error.log") or self._read("out")

    def everything_logged(self) -> bytes:
        """Every file in which a server might leave a statement: error, general, slow and binary log."""
        self.ask("FLUSH LOGS")
        names = ("error.log", "general.log", "slow.log", "data/binlog.0*")
        return b"".join(path.read_bytes() for name in names for path in sorted(self.folder.glob(name)))

    def _disconnect_replicas(self) -> None:
        """Kill their connections, and return when the server lists no replica: that is later than KILL returns.

        A replica that was killed stays listed until the server writes to it. Without an account, none comes back.
        """
        until = time.monotonic() + PATIENCE
        while (dumps := self.ask(self._console.dumps)) or self.ask(self._console.replicas):
            assert time.monotonic() < until, f"{self.flavour.name} does not let go of its replicas"
            for row in dumps:
                with suppress(pymysql.OperationalError):  # it has just ended by itself
                    self.ask(f"KILL {row['id']}")
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
            read_timeout=PATIENCE,
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
        argv = (self.flavour.daemon, "--defaults-file=/dev/null", *(f"--{option}" for option in options))
        placed = within(root_of(self.flavour), argv)
        return placed if self.namespace is None else ("nsenter", f"--net=/run/netns/{self.namespace}", "--", *placed)


@contextmanager
def running(
    folder: Path,
    template: Path,
    *options: str,
    flavour: Flavour = MARIADB,
    address: str = "127.0.0.1",
    namespace: str | None = None,
) -> Iterator[Server]:
    """A fresh server in the folder, which may be there (a disk's mount point, say) but holds no data yet."""
    folder.mkdir(exist_ok=True)
    copy(template, folder / "data")
    server = Server(folder, free_port(), options, flavour, address, namespace)
    try:
        server.start()
        yield server
    finally:
        server.stop(signal.SIGKILL)


def free_port() -> int:
    """Of those that the kernel gives to nobody by itself: it must be free again when the server is started anew."""
    while True:
        port = random.randrange(10000, 32768)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            return port
