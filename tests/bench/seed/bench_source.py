"""The source of the bench: a table of the wanted size, and a writer whose longest stall is measured."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from guestagent.embedded.database_servers import Flavour
from tests.bench.seed.bench_link import BenchLink
from tests.support.database_servers import DatabaseServer, install_data_directory, open_server

MIB = 1 << 20
ROW_BYTES = 1000
ROWS_PER_STATEMENT = 1000
WRITE_INTERVAL_S = 0.01
LOGS = ("ib_logfile", "ibtmp", "aria_log", "ib_buffer_pool", "binlog.", "#innodb_redo", "#innodb_temp")
BUFFER_POOL = "innodb-buffer-pool-size=256M"
OPTIONS = ("server-id=1", BUFFER_POOL)
TABLES = (
    "CREATE SCHEMA shop",
    "CREATE TABLE shop.filler (id INT AUTO_INCREMENT PRIMARY KEY, pad VARCHAR(2000)) CHARACTER SET ascii",
    "CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(200))",
)


@dataclass(frozen=True, slots=True)
class BenchSource:
    """A running source behind a link. `template` is the data directory of an empty server."""

    server: DatabaseServer
    link: BenchLink
    template: Path

    @property
    def data(self) -> Path:
        return self.server.folder / "data"

    def list_files(self) -> list[str]:
        """List the files of the data directory without its logs, relative to it."""
        paths = (path.relative_to(self.data) for path in sorted(self.data.rglob("*")) if path.is_file())
        return [str(path) for path in paths if not str(path).startswith(LOGS)]

    def count_bytes(self) -> int:
        return sum((self.data / name).stat().st_size for name in self.list_files())

    def forget_cache(self) -> None:
        """Write everything to the disk, and let each run read the files from there."""
        os.sync()
        for name in self.list_files():
            with (self.data / name).open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@contextmanager
def open_source(folder: Path, flavour: Flavour, link: BenchLink, mebibytes: int) -> Iterator[BenchSource]:
    """Run a source with so much data. It is restarted after they were written, so that all of them are on the disk."""
    template = install_data_directory(folder / "template", flavour)
    with open_server(
        folder / "source", template, *OPTIONS, flavour=flavour, address="*", namespace=link.namespace
    ) as server:
        server.execute(*TABLES)
        fill_table(server, mebibytes)
        server.stop()
        server.start()
        yield BenchSource(server, link, template)


def fill_table(server: DatabaseServer, mebibytes: int) -> None:
    """Insert hexadecimal digits, of which zstd makes half as many bytes. The binary log does not get them."""
    statements = mebibytes * MIB // (ROW_BYTES * ROWS_PER_STATEMENT)
    server.execute("SET SESSION sql_log_bin = 0", *(_build_insert() for _ in range(min(statements, 1))))
    for _ in range(1, statements):
        server.execute("SET SESSION sql_log_bin = 0", _build_insert())


def _build_insert() -> str:
    digits = os.urandom(ROW_BYTES * ROWS_PER_STATEMENT // 2).hex()
    rows = (digits[start : start + ROW_BYTES] for start in range(0, len(digits), ROW_BYTES))
    values = ", ".join(f"('{row}')" for row in rows)
    return f"INSERT INTO shop.filler (pad) VALUES {values}"  # noqa: S608 - ours


@dataclass(slots=True)
class StallWriter:
    """Writes small transactions. `longest_stall_s`: of the longest one."""

    server: DatabaseServer
    longest_stall_s: float = 0.0
    transactions: int = 0
    _is_ended: threading.Event = field(default_factory=threading.Event)

    def write(self) -> None:
        """Write until the end, over one connection."""
        with closing(self.server.connect()) as connection, connection.cursor() as cursor:
            while not self._is_ended.wait(WRITE_INTERVAL_S):
                started = time.monotonic()
                cursor.execute("INSERT INTO shop.orders (text) VALUES (UUID())")
                self.longest_stall_s = max(self.longest_stall_s, time.monotonic() - started)
                self.transactions += 1

    def end(self) -> None:
        self._is_ended.set()


@contextmanager
def run_stall_writer(server: DatabaseServer) -> Iterator[StallWriter]:
    """Write during the block. The measured stall is known after it."""
    writer = StallWriter(server)
    thread = threading.Thread(target=writer.write)
    thread.start()
    try:
        yield writer
    finally:
        writer.end()
        thread.join()
