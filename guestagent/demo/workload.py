"""Writes rows on the source in a separate thread, counts them on every node, and compares them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from types import TracebackType

from guestagent.demo import checks
from guestagent.demo.protocols import DemoCloud, DemoEventHandler, DemoServer, DemoTable, RowsCounted
from guestagent.demo.seed_watch import SeedWatch
from guestagent.errors import CloudError, DatabaseError
from guestagent.retry import Clock

ROW_INTERVAL_S = 0.05
STOP_TIMEOUT_S = 30.0
CATCH_UP_TIMEOUT_S = 15.0
RECHECK_INTERVAL_S = 0.1


class RowWriter:
    """Writes rows 1, 2, 3, … from `start` to `stop`, one every `interval_s`; the first error ends it.

    So rows 1 to `acknowledged_rows` are those that must never be lost.
    """

    def __init__(self, interval_s: float = ROW_INTERVAL_S) -> None:
        self.acknowledged_rows = 0
        self.error: DatabaseError | None = None
        self._interval_s = interval_s
        self._stop_event = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, table: DemoTable) -> None:
        """Create the table and begin to write, unless the writer has been started before."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, args=(table,), name="rows", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop, and return when the last row is acknowledged or rejected."""
        self._stop_event.set()
        if self._thread is not None:
            self._thread.join(STOP_TIMEOUT_S)

    def _write(self, table: DemoTable) -> None:
        try:
            with closing(table):
                table.create()
                while not self._stop_event.wait(self._interval_s):
                    table.insert(self.acknowledged_rows + 1)
                    self.acknowledged_rows += 1
        except DatabaseError as error:
            self.error = error


class RowCounter:
    """Counts the rows on every server. `counts` has the last number of each node."""

    def __init__(self, cloud: DemoCloud, handle_event: DemoEventHandler) -> None:
        self.counts: dict[str, int] = {}
        self._cloud, self._handle_event = cloud, handle_event
        self._tables: dict[DemoServer, DemoTable] = {}

    def __enter__(self) -> RowCounter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in tuple(self._tables):
            self._close_table(server)

    def count_rows(self) -> None:
        """Count the rows of every node once, and report the numbers."""
        servers = self._cloud.list_servers()
        for deleted_server in self._tables.keys() - set(servers):
            self._close_table(deleted_server)
        for server in servers:
            self._handle_event(RowsCounted(server.node, server.address, self._count(server)))

    def _count(self, server: DemoServer) -> int | None:
        """Return the number of rows, or None if the database server or its table does not exist (yet)."""
        if server not in self._tables:
            self._tables[server] = self._cloud.open_table(server)
        try:
            self.counts[server.node] = self._tables[server].count()
        except DatabaseError:
            self._close_table(server)
            return None
        return self.counts[server.node]

    def _close_table(self, server: DemoServer) -> None:
        self._tables.pop(server).close()


class CountingClock:
    """A clock that counts the rows and looks at seeds whenever its user sleeps, while it waits for the stack."""

    def __init__(self, clock: Clock, counter: RowCounter, seed_watch: SeedWatch) -> None:
        self._clock, self._counter, self._seed_watch = clock, counter, seed_watch

    def now(self) -> float:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self._counter.count_rows()
        self._seed_watch.look()
        self._clock.sleep(seconds)


class RowReader:
    """Reads and checks the rows of the nodes. A replica that lags behind may catch up first."""

    def __init__(self, cloud: DemoCloud, clock: Clock, source: str) -> None:
        self._cloud, self._clock, self._source = cloud, clock, source

    def find_source(self) -> DemoServer:
        return self._list_servers()[0]

    def find_missing_rows(self, acknowledged: int) -> tuple[str, ...]:
        """Return a problem for each node, source included, that lacks one of the first `acknowledged` rows."""
        return self._check_servers(
            self._list_servers(),
            lambda server: checks.check_acknowledged_rows(
                server.node, acknowledged, self._read_numbers(server)
            ),
        )

    def find_differing_rows(self) -> tuple[str, ...]:
        """Return a problem for each replica whose rows differ from those of the source."""
        source, *replicas = self._list_servers()
        source_rows = self._read_numbers(source)
        return self._check_servers(
            replicas,
            lambda server: checks.check_replica_rows(server.node, source_rows, self._read_numbers(server)),
        )

    def _check_servers(
        self, servers: list[DemoServer], check_server: Callable[[DemoServer], tuple[str, ...]]
    ) -> tuple[str, ...]:
        """Repeat the check of each server until it passes, or until the time to catch up is over."""
        all_problems: tuple[str, ...] = ()
        for server in servers:
            deadline = self._clock.now() + CATCH_UP_TIMEOUT_S
            while (problems := check_server(server)) and self._clock.now() < deadline:
                self._clock.sleep(RECHECK_INTERVAL_S)
            all_problems += problems
        return all_problems

    def _list_servers(self) -> list[DemoServer]:
        """Return the servers, the source first."""
        servers = sorted(
            self._cloud.list_servers(), key=lambda server: (server.node != self._source, server.node)
        )
        if not servers or servers[0].node != self._source:
            raise CloudError(f"the cloud shows no server of {self._source}")
        return servers

    def _read_numbers(self, server: DemoServer) -> frozenset[int]:
        with closing(self._cloud.open_table(server)) as table:
            return table.read_numbers()
