"""The demo as it is watched, on stderr: a live table of nodes on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guestagent.cli.output import get_terminal
from guestagent.cli.progress import COLOURS
from guestagent.controller import Cluster, NodeChanged, NodeState, StackChanged
from guestagent.demo.stage import Act, Cast, Counted, Tell, Told
from guestagent.retry import Clock
from guestagent.visible_text import escape_line

if TYPE_CHECKING:
    from rich.table import Table

BUSY = (NodeState.BOOTING, NodeState.PROVING)
ENDED = (NodeState.READY, NodeState.FAILED)


@contextmanager
def watched(clock: Clock) -> Iterator[Tell]:
    """What is given to what this yields is shown, as long as somebody reads it."""
    scene = Scene(clock)
    if not sys.stderr.isatty():
        yield lambda told: _written(scene.tell(told))
        return
    from rich.console import Console
    from rich.live import Live
    from rich.markup import escape

    console = Console(file=get_terminal(sys.stderr), highlight=False)
    with Live(get_renderable=scene.table, console=console, refresh_per_second=8) as live:

        def tell(told: Told) -> None:
            line = scene.tell(told)
            if isinstance(told, Act):
                with suppress(OSError):
                    live.console.print(escape(escape_line(line)))

        yield tell


@dataclass(slots=True)
class Player:
    """One node as it was last heard of. It was busy from `since` `until` it was ready, or is still.

    The rows are those that it showed last.
    """

    role: str = ""
    flavor: str = ""
    address: str = ""
    state: NodeState | None = None
    gone: bool = False
    since: float | None = None
    until: float | None = None
    rows: int | None = None


class Scene:
    """All that was told so far. `tell` gives the line that a change is worth; "" where it is none."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._began = clock, clock.now()
        self._players: dict[str, Player] = {}
        self._stack = ""

    def tell(self, told: Told) -> str:
        now = self._clock.now() - self._began
        match told:
            case Act(text):
                return f"{now:6.1f} s  {text}"
            case Cast(cluster):
                return self._cast(cluster)
            case Counted():
                return self._counted(told, now)
            case StackChanged():
                self._stack = f"{told.name} {told.status}"
                for player in self._players.values():
                    player.gone = player.gone or told.status == "DELETE_COMPLETE"
                return f"{now:6.1f} s  {self._stack}{_why(told.reason if 'FAILED' in told.status else '')}"
            case NodeChanged():
                return self._changed(told, now)

    def table(self) -> Table | str:
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
            state = "removed" if player.gone else str(player.state or "")
            style = "dim strike" if player.gone else COLOURS.get(player.state or NodeState.WAITING, "")
            known = (name, player.role, player.flavor, player.address, state)
            rows = "" if player.rows is None else str(player.rows)
            table.add_row(*(escape(escape_line(word)) for word in known), _seconds(player, now), rows, style=style)
        return table

    def _cast(self, cluster: Cluster) -> str:
        for node in cluster:
            player = self._player(node.name)
            player.role = "source" if node.name == cluster.source.name else "replica"
            player.flavor = node.flavor
        for name in self._players.keys() - {node.name for node in cluster}:
            self._players[name].gone = True
        return ""

    def _counted(self, told: Counted, now: float) -> str:
        player = self._player(told.node)
        player.address = told.address
        if player.since is None:
            player.since = now
        if told.rows is not None:
            player.rows = told.rows
        return ""

    def _changed(self, told: NodeChanged, now: float) -> str:
        player = self._player(told.name)
        if told.state is player.state:
            return ""
        if told.state in BUSY and (player.since is None or player.until is not None):
            player.since, player.until = now, None
        elif told.state in ENDED:
            player.until = now
        player.state = told.state
        return (
            f"{now:6.1f} s  {told.name} ({player.role}, {player.flavor}) is {told.state}{_why(told.reason)}"
        )

    def _player(self, name: str) -> Player:
        return self._players.setdefault(name, Player())


def _seconds(player: Player, now: float) -> str:
    """How long it was, or has been, busy."""
    if player.since is None:
        return ""
    return f"{(now if player.until is None else player.until) - player.since:.1f}"


def _why(reason: str) -> str:
    return f": {reason}" if reason else ""


def _written(line: str) -> None:
    if line:
        with suppress(OSError):
            sys.stderr.write(escape_line(line) + "\n")
            sys.stderr.flush()
