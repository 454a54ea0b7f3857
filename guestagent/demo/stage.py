"""What a play needs to be played on, and what it tells whoever watches. `ground.py` is real, `fake.py` acts it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from guestagent.controller import Cluster, Event, Heat


@dataclass(frozen=True, slots=True)
class Server:
    """A running server of the stack, and the node that it is."""

    id: str
    node: str
    address: str


class Table(Protocol):
    """The demo's table as one server has it. DatabaseError where it cannot be asked, or is not there yet."""

    def create(self) -> None: ...

    def insert(self, number: int) -> None:
        """Returns when the server has acknowledged the row."""

    def count(self) -> int: ...

    def numbers(self) -> frozenset[int]:
        """Every row that can be read now."""

    def close(self) -> None: ...


class Stage(Protocol):
    """A cloud that runs, seen from the machine that it runs on."""

    @property
    def image(self) -> str:
        """What its servers boot from."""

    def heat(self) -> Heat: ...

    def servers(self) -> tuple[Server, ...]:
        """Those that there are now, in progress or not."""

    def table(self, server: Server) -> Table:
        """Not connected before it is first asked."""

    def agent_log(self, server: Server) -> tuple[str, ...]:
        """The newest lines of what its agent said."""

    def dangerous_reads(self) -> tuple[str, ...]:
        """What was read that would have endangered a real stack in progress."""


class Place(Stage, Protocol):
    """Where a stage is put up, and taken down again."""

    @property
    def runs(self) -> bool:
        """Whether its cloud is there."""

    def prepare(self, say: Callable[[str], None]) -> None:
        """Fetch what the servers' image is made of, if it is not there: that takes a minute, and says so."""

    def up(self) -> None: ...

    def down(self) -> bool:
        """Whether there was anything. Also takes down what another process put up and left."""

    def cloud_log(self) -> tuple[str, ...]:
        """The newest lines of what the cloud said; `down` removes them."""


@dataclass(frozen=True, slots=True)
class Act:
    """What begins, or what was found, in a sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class Cast:
    """The cluster from here on: its nodes, with their roles and flavors."""

    cluster: Cluster


@dataclass(frozen=True, slots=True)
class Counted:
    """How many rows a node shows; None where it shows none of the table yet."""

    node: str
    address: str
    rows: int | None


Told = Event | Act | Cast | Counted
Tell = Callable[[Told], None]
