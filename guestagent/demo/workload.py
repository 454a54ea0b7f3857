"""Rows: written on the source in a thread of its own, counted on every node whenever there is time, compared."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from types import TracebackType

from guestagent.demo import checks
from guestagent.demo.protocols import DemoCloud, DemoEventHandler, DemoServer, DemoTable, RowsCounted
from guestagent.errors import CloudError, DatabaseError
from guestagent.retry import Clock

ROW_INTERVAL_S = 0.05  # seconds between two rows
STOP_TIMEOUT_S = 30.0
CATCH_UP_TIMEOUT_S = 15.0  # seconds that a replica may take to show what is on the source
RECHECK_INTERVAL_S = 0.1


class RowWriter:
    """Writes rows 1, 2, 3, … from `start` to `stop`, one each `pace` seconds; the first refusal ends it.

    So rows 1 to `acknowledged` are those that must never be lost.
    """

    def __init__(self, pace: float = ROW_INTERVAL_S) -> None:
        self.acknowledged_rows = 0
        self.error: DatabaseError | None = None
        self._pace = pace
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> RowWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, table: DemoTable) -> None:
        """Create the table and begin; nothing happens where it has begun already."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, args=(table,), name="rows", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Returns when the last row is acknowledged or refused."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_TIMEOUT_S)

    def _write(self, table: DemoTable) -> None:
        try:
            with closing(table):
                table.create()
                while not self._stopping.wait(self._pace):
                    table.insert(self.acknowledged_rows + 1)
                    self.acknowledged_rows += 1
        except DatabaseError as error:
            self.error = error


class RowCounter:
    """Counts the rows on every server there is. `counts` is what each node showed last."""

    def __init__(self, stage: DemoCloud, tell: DemoEventHandler) -> None:
        self.counts: dict[str, int] = {}
        self._stage, self._tell = stage, tell
        self._tables: dict[DemoServer, DemoTable] = {}

    def __enter__(self) -> RowCounter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in tuple(self._tables):
            self._forget(server)

    def count_rows(self) -> None:
        """Once at every node."""
        servers = self._stage.list_servers()
        for gone in self._tables.keys() - set(servers):
            self._forget(gone)
        for server in servers:
            self._tell(RowsCounted(server.node, server.address, self._count(server)))

    def _count(self, server: DemoServer) -> int | None:
        """None where the server, or the table on it, is not there (yet)."""
        if server not in self._tables:
            self._tables[server] = self._stage.open_table(server)
        try:
            self.counts[server.node] = self._tables[server].count()
        except DatabaseError:
            self._forget(server)
            return None
        return self.counts[server.node]

    def _forget(self, server: DemoServer) -> None:
        self._tables.pop(server).close()


class CountingClock:
    """A clock for whoever waits for the stack: its pauses are used to look at the rows."""

    def __init__(self, clock: Clock, watch: RowCounter) -> None:
        self._clock, self._watch = clock, watch

    def now(self) -> float:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self._watch.count_rows()
        self._clock.sleep(seconds)


class RowReader:
    """Reads what the nodes hold. A replica that is behind may catch up first."""

    def __init__(self, stage: DemoCloud, clock: Clock, source: str) -> None:
        self._stage, self._clock, self._source = stage, clock, source

    def find_source(self) -> DemoServer:
        return self._servers()[0]

    def find_missing_rows(self, acknowledged: int) -> tuple[str, ...]:
        """What any node, the source too, does not show of the first `acknowledged` rows."""
        return self._of_each(
            self._servers(),
            lambda server: checks.check_acknowledged_rows(server.node, acknowledged, self._numbers(server)),
        )

    def find_differing_rows(self) -> tuple[str, ...]:
        """What any replica has otherwise than the source."""
        source, *replicas = self._servers()
        held = self._numbers(source)
        return self._of_each(
            replicas, lambda server: checks.check_replica_rows(server.node, held, self._numbers(server))
        )

    def _of_each(
        self, servers: list[DemoServer], question: Callable[[DemoServer], tuple[str, ...]]
    ) -> tuple[str, ...]:
        """Ask until there is nothing to say, or for as long as one may take to catch up."""
        said: tuple[str, ...] = ()
        for server in servers:
            ends = self._clock.now() + CATCH_UP_TIMEOUT_S
            while (answer := question(server)) and self._clock.now() < ends:
                self._clock.sleep(RECHECK_INTERVAL_S)
            said += answer
        return said

    def _servers(self) -> list[DemoServer]:
        """The source first."""
        found = sorted(
            self._stage.list_servers(), key=lambda server: (server.node != self._source, server.node)
        )
        if not found or found[0].node != self._source:
            raise CloudError(f"the cloud shows no server of {self._source}")
        return found

    def _numbers(self, server: DemoServer) -> frozenset[int]:
        with closing(self._stage.open_table(server)) as table:
            return table.read_numbers()
