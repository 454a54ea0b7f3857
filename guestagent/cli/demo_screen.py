"""The demo as it is watched, on stderr: a live table of nodes on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guestagent.cli.output import get_terminal
from guestagent.cli.progress import STATE_COLOURS
from guestagent.controller import Cluster, NodeChanged, NodeState, StackChanged
from guestagent.demo.protocols import (
    ClusterChanged,
    DemoEvent,
    DemoEventHandler,
    ProgressMessage,
    RowsCounted,
)
from guestagent.retry import Clock
from guestagent.text_escaping import escape_line

if TYPE_CHECKING:
    from rich.table import Table

BUSY_STATES = (NodeState.BOOTING, NodeState.PROVING)
FINAL_STATES = (NodeState.READY, NodeState.FAILED)


@contextmanager
def show_demo(clock: Clock) -> Iterator[DemoEventHandler]:
    """What is given to what this yields is shown, as long as somebody reads it."""
    scene = DemoScreen(clock)
    if not sys.stderr.isatty():
        yield lambda told: _written(scene.handle_event(told))
        return
    from rich.console import Console
    from rich.live import Live
    from rich.markup import escape

    console = Console(file=get_terminal(sys.stderr), highlight=False)
    with Live(get_renderable=scene.build_table, console=console, refresh_per_second=8) as live:

        def tell(told: DemoEvent) -> None:
            line = scene.handle_event(told)
            if isinstance(told, ProgressMessage):
                with suppress(OSError):
                    live.console.print(escape(escape_line(line)))

        yield tell


@dataclass(slots=True)
class NodeRow:
    """One node as it was last heard of. It was busy from `since` `until` it was ready, or is still.

    The rows are those that it showed last.
    """

    role: str = ""
    flavor: str = ""
    address: str = ""
    state: NodeState | None = None
    is_removed: bool = False
    busy_since: float | None = None
    busy_until: float | None = None
    rows: int | None = None


class DemoScreen:
    """All that was told so far. `tell` gives the line that a change is worth; "" where it is none."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._began = clock, clock.now()
        self._players: dict[str, NodeRow] = {}
        self._stack = ""

    def handle_event(self, told: DemoEvent) -> str:
        now = self._clock.now() - self._began
        match told:
            case ProgressMessage(text):
                return f"{now:6.1f} s  {text}"
            case ClusterChanged(cluster):
                return self._cast(cluster)
            case RowsCounted():
                return self._counted(told, now)
            case StackChanged():
                self._stack = f"{told.name} {told.status}"
                for player in self._players.values():
                    player.is_removed = player.is_removed or told.status == "DELETE_COMPLETE"
                return f"{now:6.1f} s  {self._stack}{_why(told.reason if 'FAILED' in told.status else '')}"
            case NodeChanged():
                return self._changed(told, now)

    def build_table(self) -> Table | str:
        """What a live display shows: nothing before there is a cast."""
        if not self._players:
            return ""
        from rich.markup import escape
        from rich.table import Table

        now = self._clock.now() - self._began
        table = Table(title=f"{escape(escape_line(self._stack))} {now:.0f} s", title_justify="left")
        for head in ("node", "role", "flavor", "address", "state"):
            table.add_column(head)
        for head in ("seconds", "rows"):
            table.add_column(head, justify="right")
        for name, player in self._players.items():
            state = "removed" if player.is_removed else str(player.state or "")
            style = (
                "dim strike"
                if player.is_removed
                else STATE_COLOURS.get(player.state or NodeState.WAITING, "")
            )
            known = (name, player.role, player.flavor, player.address, state)
            rows = "" if player.rows is None else str(player.rows)
            table.add_row(
                *(escape(escape_line(word)) for word in known), _seconds(player, now), rows, style=style
            )
        return table

    def _cast(self, cluster: Cluster) -> str:
        for node in cluster:
            player = self._player(node.name)
            player.role = "source" if node.name == cluster.source.name else "replica"
            player.flavor = node.flavor
        for name in self._players.keys() - {node.name for node in cluster}:
            self._players[name].is_removed = True
        return ""

    def _counted(self, told: RowsCounted, now: float) -> str:
        player = self._player(told.node)
        player.address = told.address
        if player.busy_since is None:
            player.busy_since = now
        if told.rows is not None:
            player.rows = told.rows
        return ""

    def _changed(self, told: NodeChanged, now: float) -> str:
        player = self._player(told.name)
        if told.state is player.state:
            return ""
        if told.state in BUSY_STATES and (player.busy_since is None or player.busy_until is not None):
            player.busy_since, player.busy_until = now, None
        elif told.state in FINAL_STATES:
            player.busy_until = now
        player.state = told.state
        return (
            f"{now:6.1f} s  {told.name} ({player.role}, {player.flavor}) is {told.state}{_why(told.reason)}"
        )

    def _player(self, name: str) -> NodeRow:
        return self._players.setdefault(name, NodeRow())


def _seconds(player: NodeRow, now: float) -> str:
    """How long it was, or has been, busy."""
    if player.busy_since is None:
        return ""
    return f"{(now if player.busy_until is None else player.busy_until) - player.busy_since:.1f}"


def _why(reason: str) -> str:
    return f": {reason}" if reason else ""


def _written(line: str) -> None:
    if line:
        with suppress(OSError):
            sys.stderr.write(escape_line(line) + "\n")
            sys.stderr.flush()
