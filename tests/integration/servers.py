"""Real MariaDB servers on loopback, in folders of a test's own; started and ended by their own process."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from guestagent.database.connection import Row, over_socket
from guestagent.database.edge import Database
from guestagent.database.open import open_database
from guestagent.database.sql import sql
from guestagent.errors import DatabaseUnreachable

PATIENCE = 30.0

ADDED = """
SELECT IF(JSON_VALUE(Priv, '$.is_role'), CONCAT('ROLE ', QUOTE(User)),
          CONCAT('USER ', QUOTE(User), '@', QUOTE(Host))) AS what
  FROM mysql.global_priv WHERE User NOT IN ('root', 'mariadb.sys')
UNION SELECT CONCAT('SCHEMA `', schema_name, '`') FROM information_schema.schemata
  WHERE schema_name NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
"""
"""What somebody added to an installation, as a DROP names it."""


def installed(folder: Path) -> Path:
    """A data directory as an installation leaves it: root over the socket, nobody else. Copy it, do not use it."""
    command = [
        "mariadb-install-db",
        "--no-defaults",
        "--user=root",
        f"--datadir={folder}",
        "--auth-root-authentication-method=socket",
        "--auth-root-socket-user=root",
        "--skip-test-db",
        "--skip-name-resolve",
        "--innodb-log-file-size=4M",
        f"--tmpdir={folder.parent}",  # a starting server empties /tmp of what looks like its own
    ]
    subprocess.run(command, check=True, capture_output=True)
    return folder


DUMPS = "SELECT id FROM information_schema.processlist WHERE command = 'Binlog Dump'"
"""What is left of replicas that were killed."""


class Server:
    """One mariadbd. Ends with the `with` block that `running` opens, whatever happened to it before."""

    def __init__(self, folder: Path, port: int, options: tuple[str, ...]) -> None:
        self.folder, self.port, self.options = folder, port, options
        self.socket = str(folder / "s")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "out").open("ab") as out:
            self._process = subprocess.Popen(
                self._command(), stdout=out, stderr=out, stdin=subprocess.DEVNULL
            )
        until = time.monotonic() + PATIENCE
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"mariadbd does not run: {self.log()[-2000:]}")
            time.sleep(0.05)

    def send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(number)
            self._process.wait(PATIENCE)
            self._process = None

    def open(self, timeout: float = 10.0) -> Database:
        return open_database(self.socket, timeout)

    def ask(self, *statements: str) -> list[Row]:
        """What a person at the server's console is told; the answer to the last statement."""
        rows: list[Row] = []
        with closing(over_socket(self.socket, "root", PATIENCE)) as connection:
            for text in statements:
                rows = connection.rows(sql(text.replace("{", "{{").replace("}", "}}")), "asking")
        return rows

    def emptied(self) -> Server:
        """As new: no channel, account, schema or history; writable, and its server id as it was started with."""
        self.ask("STOP SLAVE", *(f"KILL {row['id']}" for row in self.ask(DUMPS)))
        drops = (f"DROP {row['what']}" for row in self.ask(ADDED))
        server_id = next(
            option.partition("=")[2] for option in self.options if option.startswith("server-id=")
        )
        self.ask("RESET SLAVE ALL", "SET GLOBAL read_only = 0", f"SET GLOBAL server_id = {server_id}")
        self.ask("SET SESSION sql_log_bin = 0", *drops, "RESET MASTER", "SET GLOBAL gtid_slave_pos = ''")
        return self

    def value(self, expression: str) -> str | None:
        return self.ask(f"SELECT {expression} AS value")[0]["value"]

    def position(self) -> tuple[str | None, str | None]:
        """Where the binary log ends: a statement that is logged moves it."""
        row = self.ask("SHOW MASTER STATUS")[0]
        return row["File"], row["Position"]

    def log(self) -> str:
        return self._read("error.log")

    def everything_logged(self) -> bytes:
        """Every file in which a server might leave a statement: error, general, slow and binary log."""
        self.ask("FLUSH LOGS")
        names = ("error.log", "general.log", "slow.log", "data/binlog.0*")
        return b"".join(path.read_bytes() for name in names for path in sorted(self.folder.glob(name)))

    def _read(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""

    def _answers(self) -> bool:
        try:
            over_socket(self.socket, "root", PATIENCE).close()
        except DatabaseUnreachable:
            return False
        return True

    def _command(self) -> list[str]:
        options = (
            f"datadir={self.folder}/data",
            f"socket={self.socket}",
            f"pid-file={self.folder}/pid",
            f"log-error={self.folder}/error.log",
            f"tmpdir={self.folder}",
            f"port={self.port}",
            "user=root",
            "bind-address=127.0.0.1",
            "skip-name-resolve",
            "log-bin=binlog",
            "log-slave-updates=ON",
            "gtid-strict-mode=ON",
            "innodb-buffer-pool-size=8M",
            "innodb-log-file-size=4M",
            "performance-schema=OFF",
            *self.options,
        )
        return ["mariadbd", "--no-defaults", *(f"--{option}" for option in options)]


@contextmanager
def running(folder: Path, template: Path, *options: str) -> Iterator[Server]:
    """A fresh server in the (new) folder; `options` as in an option file's lines."""
    folder.mkdir()
    subprocess.run(["cp", "-r", "--sparse=always", str(template), str(folder / "data")], check=True)
    server = Server(folder, _free_port(), options)
    try:
        server.start()
        yield server
    finally:
        server.stop(signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
