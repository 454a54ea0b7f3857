"""A stage without a machine: the stack is FakeHeat's, and what a node shows of the rows is said beforehand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from guestagent.controller import FakeHeat, Heat, parse
from guestagent.demo.protocols import DemoServer, DemoTable
from guestagent.errors import DatabaseRefused, GuestAgentError
from guestagent.retry import Clock, FakeClock

ROW_TIMEOUT_S = 10.0


@dataclass(slots=True)
class FakeDemoCloud:
    """Every node shows what is written on the source at once, unless `shows(node, number)` says no.

    `strays` are rows that a node has beside those. The source refuses the row `refuses`. Servers of the nodes in
    `lingers` stay when their stack has let them go.
    """

    fake_heat: FakeHeat = field(default_factory=FakeHeat)
    is_visible: Callable[[str, int], bool] = lambda node, number: True
    stray_rows: dict[str, frozenset[int]] = field(default_factory=dict)
    rejected_row: int = 0
    leftover_nodes: tuple[str, ...] = ()
    extra_dangerous_reads: tuple[str, ...] = ()
    rows: FakeRows = field(default_factory=lambda: FakeRows())
    image: str = "guestagent-mariadb"

    @property
    def clock(self) -> Clock:
        """While it sleeps at least one row is written, as long as somebody writes."""
        return WritingClock(self.rows)

    def connect_heat(self) -> Heat:
        return self.fake_heat

    def list_servers(self) -> tuple[DemoServer, ...]:
        nodes = [node.name for live in self.fake_heat.live.values() for node in parse(live.template)]
        nodes += [name for name in self.leftover_nodes if name not in nodes]
        return tuple(
            DemoServer(f"id-{name}", name, f"10.0.0.{place}") for place, name in enumerate(nodes, 10)
        )

    def open_table(self, server: DemoServer) -> DemoTable:
        return FakeTable(self, server.node)

    def read_agent_log(self, server: DemoServer) -> tuple[str, ...]:
        return (f"INFO {server.node} said this last",)

    def list_dangerous_reads(self) -> tuple[str, ...]:
        return (*self.fake_heat.endangered, *self.extra_dangerous_reads)


@dataclass(slots=True)
class FakeDemoEnvironment(FakeDemoCloud):
    """`up` fails with `unable`, if there is such an error, and `down` with `stuck`. `said` is what was asked."""

    has_leftovers: bool = False
    start_error: GuestAgentError | None = None
    stop_error: GuestAgentError | None = None
    is_running: bool = False
    calls: list[str] = field(default_factory=list)

    def prepare_image(self, say: Callable[[str], None]) -> None:
        say("fetching a server")

    def start_cloud(self) -> None:
        self.calls.append("up")
        if self.start_error:
            raise self.start_error
        self.is_running = True

    def stop_cloud(self) -> bool:
        self.calls.append("down")
        if self.stop_error and self.calls.count("down") > 1:
            raise self.stop_error
        was, self.has_leftovers, self.is_running = self.has_leftovers or self.is_running, False, False
        return was

    def read_cloud_log(self) -> tuple[str, ...]:
        return ("the cloud said this last",)


@dataclass(slots=True)
class FakeRows:
    """The rows of the source; None before there is a table."""

    numbers: frozenset[int] | None = None
    is_writing: bool = False
    condition: threading.Condition = field(default_factory=threading.Condition)

    def replace_numbers(self, numbers: frozenset[int], writing: bool = True) -> None:
        with self.condition:
            self.numbers, self.is_writing = numbers, writing
            self.condition.notify_all()


class FakeTable:
    """The table as one node of the stage has it."""

    def __init__(self, stage: FakeDemoCloud, node: str) -> None:
        self._stage, self._node, self._writes = stage, node, False

    def create(self) -> None:
        self._writes = True
        self._stage.rows.replace_numbers(frozenset())

    def insert(self, number: int) -> None:
        if number == self._stage.rejected_row:
            raise DatabaseRefused(f"writing row {number}", 1290, "the server is read-only")
        self._stage.rows.replace_numbers((self._stage.rows.numbers or frozenset()) | {number})

    def count(self) -> int:
        return len(self.read_numbers())

    def read_numbers(self) -> frozenset[int]:
        written = self._stage.rows.numbers
        if written is None:
            raise DatabaseRefused("reading rows", 1146, "there is no such table")
        shown = frozenset(number for number in written if self._stage.is_visible(self._node, number))
        return shown | self._stage.stray_rows.get(self._node, frozenset())

    def close(self) -> None:
        if self._writes:
            self._stage.rows.replace_numbers(self._stage.rows.numbers or frozenset(), writing=False)


class WritingClock(FakeClock):
    """A clock that jumps, and lets a writer in another thread come to its turn."""

    def __init__(self, rows: FakeRows) -> None:
        super().__init__()
        self._rows = rows

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        with self._rows.condition:
            seen = self._rows.numbers
            self._rows.condition.wait_for(
                lambda: not self._rows.is_writing or self._rows.numbers != seen, ROW_TIMEOUT_S
            )
