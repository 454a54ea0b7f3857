"""A demo cloud without a machine, for tests: FakeHeat has the stack, and the test decides which rows a node has."""

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
    """A fake cloud in which every node has a row as soon as it is written, unless `is_visible(node, number)` is False.

    `stray_rows` are additional rows of a node. The source rejects the row `rejected_row`. The servers of
    `leftover_nodes` remain after the stack has deleted them.
    """

    fake_heat: FakeHeat = field(default_factory=FakeHeat)
    is_visible: Callable[[str, int], bool] = lambda node, number: True
    stray_rows: dict[str, frozenset[int]] = field(default_factory=dict)
    rejected_row: int = 0
    leftover_nodes: tuple[str, ...] = ()
    extra_dangerous_reads: tuple[str, ...] = ()
    rows: FakeRows = field(default_factory=lambda: FakeRows())
    image: str = "guestagent-mariadb"
    filled_mebibytes: int = 0
    seeded_nodes: frozenset[str] = frozenset({"Slave0001"})

    @property
    def clock(self) -> Clock:
        """A clock that lets at least one row be written during each sleep, while a writer is active."""
        return WritingClock(self.rows)

    def connect_heat(self) -> Heat:
        return self.fake_heat

    def list_servers(self) -> tuple[DemoServer, ...]:
        nodes = [node.name for live in self.fake_heat.live.values() for node in parse(live.template)]
        nodes += [name for name in self.leftover_nodes if name not in nodes]
        return tuple(
            DemoServer(f"id-{name}", name, f"10.0.0.{number}") for number, name in enumerate(nodes, 10)
        )

    def open_table(self, server: DemoServer) -> DemoTable:
        return FakeTable(self, server.node)

    def read_agent_log(self, server: DemoServer) -> tuple[str, ...]:
        return (f"INFO {server.node} logged this last",)

    def describe_seed(self, server: DemoServer) -> str:
        """Describe a complete seed of the nodes that are seeded once the source is filled."""
        is_seeded = self.filled_mebibytes and server.node in self.seeded_nodes
        return "seed by backup: done" if is_seeded else ""

    def list_dangerous_reads(self) -> tuple[str, ...]:
        return (*self.fake_heat.endangered, *self.extra_dangerous_reads)


@dataclass(slots=True)
class FakeDemoEnvironment(FakeDemoCloud):
    """A fake environment. Starting fails with `start_error`, stopping with `stop_error`; `calls` records both."""

    has_leftovers: bool = False
    start_error: GuestAgentError | None = None
    stop_error: GuestAgentError | None = None
    is_running: bool = False
    calls: list[str] = field(default_factory=list)

    @property
    def nodes_description(self) -> str:
        return "its nodes are fakes"

    def prepare_image(self, report: Callable[[str], None]) -> None:
        report("downloading a server")

    def start_cloud(self) -> None:
        self.calls.append("up")
        if self.start_error:
            raise self.start_error
        self.is_running = True

    def stop_cloud(self) -> bool:
        self.calls.append("down")
        if self.stop_error and self.calls.count("down") > 1:
            raise self.stop_error
        has_stopped = self.has_leftovers or self.is_running
        self.has_leftovers = self.is_running = False
        return has_stopped

    def read_cloud_log(self) -> tuple[str, ...]:
        return ("the cloud logged this last",)


@dataclass(slots=True)
class FakeRows:
    """The rows of the source. `numbers` is None before there is a table."""

    numbers: frozenset[int] | None = None
    is_writing: bool = False
    condition: threading.Condition = field(default_factory=threading.Condition)

    def replace_numbers(self, numbers: frozenset[int], is_writing: bool = True) -> None:
        with self.condition:
            self.numbers, self.is_writing = numbers, is_writing
            self.condition.notify_all()


class FakeTable:
    """The table on one node of the fake cloud."""

    def __init__(self, cloud: FakeDemoCloud, node: str) -> None:
        self._cloud, self._node, self._is_writer = cloud, node, False

    def create(self) -> None:
        self._is_writer = True
        self._cloud.rows.replace_numbers(frozenset())

    def insert(self, number: int) -> None:
        if number == self._cloud.rejected_row:
            raise DatabaseRefused(f"writing row {number}", 1290, "the server is read-only")
        self._cloud.rows.replace_numbers((self._cloud.rows.numbers or frozenset()) | {number})

    def fill(self, mebibytes: int) -> None:
        self._cloud.filled_mebibytes = mebibytes

    def count(self) -> int:
        return len(self.read_numbers())

    def read_numbers(self) -> frozenset[int]:
        numbers = self._cloud.rows.numbers
        if numbers is None:
            raise DatabaseRefused("reading rows", 1146, "there is no such table")
        visible = frozenset(number for number in numbers if self._cloud.is_visible(self._node, number))
        return visible | self._cloud.stray_rows.get(self._node, frozenset())

    def close(self) -> None:
        if self._is_writer:
            self._cloud.rows.replace_numbers(self._cloud.rows.numbers or frozenset(), is_writing=False)


class WritingClock(FakeClock):
    """A clock that jumps, and that lets a writer in another thread write a row."""

    def __init__(self, rows: FakeRows) -> None:
        super().__init__()
        self._rows = rows

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        with self._rows.condition:
            former_numbers = self._rows.numbers
            self._rows.condition.wait_for(
                lambda: not self._rows.is_writing or self._rows.numbers != former_numbers, ROW_TIMEOUT_S
            )
