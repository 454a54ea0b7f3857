"""What a play needs to be played on, and what it tells whoever watches. `ground.py` is real, `fake.py` acts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from guestagent.controller import Cluster, Event, Heat


@dataclass(frozen=True, slots=True)
class DemoServer:
    """A running server of the stack, and the node that it is."""

    id: str
    node: str
    address: str


class DemoTable(Protocol):
    """The demo's table as one server has it. DatabaseError where it cannot be asked, or is not there yet."""

    def create(self) -> None: ...

    def insert(self, number: int) -> None:
        """Returns when the server has acknowledged the row."""

    def count(self) -> int: ...

    def read_numbers(self) -> frozenset[int]:
        """Every row that can be read now."""

    def close(self) -> None: ...


class DemoCloud(Protocol):
    """A cloud that runs, seen from the machine that it runs on."""

    @property
    def image(self) -> str:
        """What its servers boot from."""

    def connect_heat(self) -> Heat: ...

    def list_servers(self) -> tuple[DemoServer, ...]:
        """Those that there are now, in progress or not."""

    def open_table(self, server: DemoServer) -> DemoTable:
        """Not connected before it is first asked."""

    def read_agent_log(self, server: DemoServer) -> tuple[str, ...]:
        """The newest lines of what its agent said."""

    def list_dangerous_reads(self) -> tuple[str, ...]:
        """What was read that would have endangered a real stack in progress."""


class DemoEnvironment(DemoCloud, Protocol):
    """Where a stage is put up, and taken down again."""

    @property
    def is_running(self) -> bool:
        """Whether its cloud is there."""

    def prepare_image(self, say: Callable[[str], None]) -> None:
        """Fetch what the servers' image is made of, if it is not there: that takes a minute, and says so."""

    def start_cloud(self) -> None: ...

    def stop_cloud(self) -> bool:
        """Whether there was anything. Also takes down what another process put up and left."""

    def read_cloud_log(self) -> tuple[str, ...]:
        """The newest lines of what the cloud said; `down` removes them."""


@dataclass(frozen=True, slots=True)
class ProgressMessage:
    """What begins, or what was found, in a sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class ClusterChanged:
    """The cluster from here on: its nodes, with their roles and flavors."""

    cluster: Cluster


@dataclass(frozen=True, slots=True)
class RowsCounted:
    """How many rows a node shows; None where it shows none of the table yet."""

    node: str
    address: str
    rows: int | None


DemoEvent = Event | ProgressMessage | ClusterChanged | RowsCounted
DemoEventHandler = Callable[[DemoEvent], None]
