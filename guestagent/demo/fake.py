"""A stage without a machine: the stack is FakeHeat's, and what a node shows of the rows is said beforehand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from guestagent.controller import FakeHeat, Heat, parse
from guestagent.demo.stage import Server, Table
from guestagent.errors import DatabaseRefused, GuestAgentError
from guestagent.retry import Clock, FakeClock

PATIENCE = 10.0


@dataclass(slots=True)
class FakeStage:
    """Every node shows what is written on the source at once, unless `shows(node, number)` says no.

    `strays` are rows that a node has beside those. The source refuses the row `refuses`. Servers of the nodes in
    `lingers` stay when their stack has let them go.
    """

    fake_heat: FakeHeat = field(default_factory=FakeHeat)
    shows: Callable[[str, int], bool] = lambda node, number: True
    strays: dict[str, frozenset[int]] = field(default_factory=dict)
    refuses: int = 0
    lingers: tuple[str, ...] = ()
    dangerous: tuple[str, ...] = ()
    rows: FakeRows = field(default_factory=lambda: FakeRows())
    image: str = "guestagent-mariadb"

    @property
    def clock(self) -> Clock:
        """While it sleeps at least one row is written, as long as somebody writes."""
        return WritingClock(self.rows)

    def heat(self) -> Heat:
        return self.fake_heat

    def servers(self) -> tuple[Server, ...]:
        nodes = [node.name for live in self.fake_heat.live.values() for node in parse(live.template)]
        nodes += [name for name in self.lingers if name not in nodes]
        return tuple(Server(f"id-{name}", name, f"10.0.0.{place}") for place, name in enumerate(nodes, 10))

    def table(self, server: Server) -> Table:
        return FakeTable(self, server.node)

    def agent_log(self, server: Server) -> tuple[str, ...]:
        return (f"INFO {server.node} said this last",)

    def dangerous_reads(self) -> tuple[str, ...]:
        return (*self.fake_heat.endangered, *self.dangerous)


@dataclass(slots=True)
class FakePlace(FakeStage):
    """`up` fails with `unable`, if there is such an error, and `down` with `stuck`. `said` is what was asked."""

    left: bool = False
    unable: GuestAgentError | None = None
    stuck: GuestAgentError | None = None
    runs: bool = False
    said: list[str] = field(default_factory=list)

    def prepare(self, say: Callable[[str], None]) -> None:
        say("fetching a server")

    def up(self) -> None:
        self.said.append("up")
        if self.unable:
            raise self.unable
        self.runs = True

    def down(self) -> bool:
        self.said.append("down")
        if self.stuck and self.said.count("down") > 1:
            raise self.stuck
        was, self.left, self.runs = self.left or self.runs, False, False
        return was

    def cloud_log(self) -> tuple[str, ...]:
        return ("the cloud said this last",)


@dataclass(slots=True)
class FakeRows:
    """The rows of the source; None before there is a table."""

    numbers: frozenset[int] | None = None
    writing: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    def become(self, numbers: frozenset[int], writing: bool = True) -> None:
        with self.changed:
            self.numbers, self.writing = numbers, writing
            self.changed.notify_all()


class FakeTable:
    """The table as one node of the stage has it."""

    def __init__(self, stage: FakeStage, node: str) -> None:
        self._stage, self._node, self._writes = stage, node, False

    def create(self) -> None:
        self._writes = True
        self._stage.rows.become(frozenset())

    def insert(self, number: int) -> None:
        if number == self._stage.refuses:
            raise DatabaseRefused(f"writing row {number}", 1290, "the server is read-only")
        self._stage.rows.become((self._stage.rows.numbers or frozenset()) | {number})

    def count(self) -> int:
        return len(self.numbers())

    def numbers(self) -> frozenset[int]:
        written = self._stage.rows.numbers
        if written is None:
            raise DatabaseRefused("reading rows", 1146, "there is no such table")
        shown = frozenset(number for number in written if self._stage.shows(self._node, number))
        return shown | self._stage.strays.get(self._node, frozenset())

    def close(self) -> None:
        if self._writes:
            self._stage.rows.become(self._stage.rows.numbers or frozenset(), writing=False)


class WritingClock(FakeClock):
    """A clock that jumps, and lets a writer in another thread come to its turn."""

    def __init__(self, rows: FakeRows) -> None:
        super().__init__()
        self._rows = rows

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        with self._rows.changed:
            seen = self._rows.numbers
            self._rows.changed.wait_for(
                lambda: not self._rows.writing or self._rows.numbers != seen, PATIENCE
            )
