"""Rows: written on the source in a thread of its own, counted on every node whenever there is time, compared."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from types import TracebackType

from guestagent.demo import findings
from guestagent.demo.stage import Counted, Server, Stage, Table, Tell
from guestagent.errors import CloudError, DatabaseError
from guestagent.retry import Clock

PACE = 0.05  # seconds between two rows
STOPPING = 30.0
CATCHING_UP = 15.0  # seconds that a replica may take to show what is on the source
LOOK_AGAIN = 0.1


class Writer:
    """Writes rows 1, 2, 3, … from `start` to `stop`, one each `pace` seconds; the first refusal ends it.

    So rows 1 to `acknowledged` are those that must never be lost.
    """

    def __init__(self, pace: float = PACE) -> None:
        self.acknowledged = 0
        self.refusal: DatabaseError | None = None
        self._pace = pace
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, table: Table) -> None:
        """Create the table and begin; nothing happens where it has begun already."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, args=(table,), name="rows", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Returns when the last row is acknowledged or refused."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOPPING)

    def _write(self, table: Table) -> None:
        try:
            with closing(table):
                table.create()
                while not self._stopping.wait(self._pace):
                    table.insert(self.acknowledged + 1)
                    self.acknowledged += 1
        except DatabaseError as error:
            self.refusal = error


class Watch:
    """Counts the rows on every server there is. `counts` is what each node showed last."""

    def __init__(self, stage: Stage, tell: Tell) -> None:
        self.counts: dict[str, int] = {}
        self._stage, self._tell = stage, tell
        self._tables: dict[Server, Table] = {}

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in tuple(self._tables):
            self._forget(server)

    def look(self) -> None:
        """Once at every node."""
        servers = self._stage.servers()
        for gone in self._tables.keys() - set(servers):
            self._forget(gone)
        for server in servers:
            self._tell(Counted(server.node, server.address, self._count(server)))

    def _count(self, server: Server) -> int | None:
        """None where the server, or the table on it, is not there (yet)."""
        if server not in self._tables:
            self._tables[server] = self._stage.table(server)
        try:
            self.counts[server.node] = self._tables[server].count()
        except DatabaseError:
            self._forget(server)
            return None
        return self.counts[server.node]

    def _forget(self, server: Server) -> None:
        self._tables.pop(server).close()


class WatchfulClock:
    """A clock for whoever waits for the stack: its pauses are used to look at the rows."""

    def __init__(self, clock: Clock, watch: Watch) -> None:
        self._clock, self._watch = clock, watch

    def now(self) -> float:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self._watch.look()
        self._clock.sleep(seconds)


class Reader:
    """Reads what the nodes hold. A replica that is behind may catch up first."""

    def __init__(self, stage: Stage, clock: Clock, source: str) -> None:
        self._stage, self._clock, self._source = stage, clock, source

    def source(self) -> Server:
        return self._servers()[0]

    def lacking(self, acknowledged: int) -> tuple[str, ...]:
        """What any node, the source too, does not show of the first `acknowledged` rows."""
        return self._of_each(
            self._servers(), lambda server: findings.lacking(server.node, acknowledged, self._numbers(server))
        )

    def differing(self) -> tuple[str, ...]:
        """What any replica has otherwise than the source."""
        source, *replicas = self._servers()
        held = self._numbers(source)
        return self._of_each(
            replicas, lambda server: findings.differing(server.node, held, self._numbers(server))
        )

    def _of_each(
        self, servers: list[Server], question: Callable[[Server], tuple[str, ...]]
    ) -> tuple[str, ...]:
        """Ask until there is nothing to say, or for as long as one may take to catch up."""
        said: tuple[str, ...] = ()
        for server in servers:
            ends = self._clock.now() + CATCHING_UP
            while (answer := question(server)) and self._clock.now() < ends:
                self._clock.sleep(LOOK_AGAIN)
            said += answer
        return said

    def _servers(self) -> list[Server]:
        """The source first."""
        found = sorted(self._stage.servers(), key=lambda server: (server.node != self._source, server.node))
        if not found or found[0].node != self._source:
            raise CloudError(f"the cloud shows no server of {self._source}")
        return found

    def _numbers(self, server: Server) -> frozenset[int]:
        with closing(self._stage.table(server)) as table:
            return table.numbers()
