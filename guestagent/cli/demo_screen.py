"""The progress of the demo on stderr: a live table of nodes on a terminal, otherwise a line for each change."""

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
    InstanceChanged,
    ProgressMessage,
    RowsCounted,
)
from guestagent.resources.views import InstanceState, InstanceView
from guestagent.retry import Clock
from guestagent.text_escaping import escape_line

if TYPE_CHECKING:
    from rich.table import Table

BUSY_STATES = (
    *(NodeState.BOOTING, NodeState.PROVING),
    *(InstanceState.BUILDING, InstanceState.RESIZING, InstanceState.VERIFYING, InstanceState.GROWING),
)
STYLES = {str(state): colour for state, colour in STATE_COLOURS.items()}
STYLES |= dict.fromkeys(map(str, BUSY_STATES[2:]), "cyan")
FINAL_STATES = (NodeState.READY, NodeState.FAILED)


@contextmanager
def show_demo(clock: Clock) -> Iterator[DemoEventHandler]:
    """Yield a function that shows events. A closed stderr is ignored."""
    screen = DemoScreen(clock)
    if not sys.stderr.isatty():
        yield lambda event: _write_line(screen.handle_event(event))
        return
    from rich.console import Console
    from rich.live import Live
    from rich.markup import escape

    console = Console(file=get_terminal(sys.stderr), highlight=False)
    with Live(get_renderable=screen.build_table, console=console, refresh_per_second=8) as live:

        def show_event(event: DemoEvent) -> None:
            line = screen.handle_event(event)
            if isinstance(event, ProgressMessage):
                with suppress(OSError):
                    live.console.print(escape(escape_line(line)))

        yield show_event


@dataclass(slots=True)
class NodeRow:
    """The last known state of a node. It starts up from `busy_since` to `busy_until`, which is None until its end."""

    role: str = ""
    flavor: str = ""
    address: str = ""
    state: NodeState | InstanceState | None = None
    is_removed: bool = False
    busy_since: float | None = None
    busy_until: float | None = None
    rows: int | None = None


class DemoScreen:
    """The state of the demo according to its events. `handle_event` returns a line for an important one, or ""."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._start_time = clock, clock.now()
        self._rows: dict[str, NodeRow] = {}
        self._stack = ""

    def handle_event(self, event: DemoEvent) -> str:
        now = self._clock.now() - self._start_time
        match event:
            case ProgressMessage(text):
                return f"{now:6.1f} s  {text}"
            case ClusterChanged(cluster):
                return self._update_nodes(cluster)
            case RowsCounted():
                return self._update_count(event, now)
            case StackChanged():
                self._stack = f"{event.name} {event.status}"
                for row in self._rows.values():
                    row.is_removed = row.is_removed or event.status == "DELETE_COMPLETE"
                reason = event.reason if "FAILED" in event.status else ""
                return f"{now:6.1f} s  {self._stack}{_format_reason(reason)}"
            case NodeChanged():
                return self._update_state(event.name, event.state, event.reason, now)
            case InstanceChanged(view):
                return self._update_instance(view, now)

    def build_table(self) -> Table | str:
        """Return the content of the live display: nothing before the cluster is known."""
        if not self._rows:
            return ""
        from rich.markup import escape
        from rich.table import Table

        now = self._clock.now() - self._start_time
        table = Table(title=f"{escape(escape_line(self._stack))} {now:.0f} s", title_justify="left")
        for heading in ("node", "role", "flavor", "address", "state"):
            table.add_column(heading)
        for heading in ("seconds", "rows"):
            table.add_column(heading, justify="right")
        for name, row in self._rows.items():
            state = "removed" if row.is_removed else str(row.state or "")
            style = "dim strike" if row.is_removed else STYLES.get(str(row.state or NodeState.WAITING), "")
            cells = (name, row.role, row.flavor, row.address, state)
            count = "" if row.rows is None else str(row.rows)
            escaped_cells = (escape(escape_line(cell)) for cell in cells)
            table.add_row(*escaped_cells, _format_seconds(row, now), count, style=style)
        return table

    def _update_nodes(self, cluster: Cluster) -> str:
        for node in cluster:
            row = self._get_row(node.name)
            row.role = "source" if node is cluster.source else "replica"
            row.flavor = node.flavor
        for name in self._rows.keys() - {node.name for node in cluster}:
            self._rows[name].is_removed = True
        return ""

    def _update_count(self, event: RowsCounted, now: float) -> str:
        row = self._get_row(event.node)
        row.address = event.address
        if row.busy_since is None:
            row.busy_since = now
        if event.rows is not None:
            row.rows = event.rows
        return ""

    def _update_instance(self, view: InstanceView, now: float) -> str:
        row = self._get_row(view.name)
        row.role, row.flavor = view.role, view.flavor or view.wanted_flavor
        return self._update_state(view.name, view.state, view.detail, now)

    def _update_state(self, name: str, state: NodeState | InstanceState, reason: str, now: float) -> str:
        row = self._get_row(name)
        if state is row.state:
            return ""
        if state in BUSY_STATES and (row.busy_since is None or row.busy_until is not None):
            row.busy_since, row.busy_until = now, None
        elif state in FINAL_STATES:
            row.busy_until = now
        row.state = state
        return f"{now:6.1f} s  {name} ({row.role}, {row.flavor}) is {state}{_format_reason(reason)}"

    def _get_row(self, name: str) -> NodeRow:
        return self._rows.setdefault(name, NodeRow())


def _format_seconds(row: NodeRow, now: float) -> str:
    """Return how long the node was busy, or has been busy so far."""
    if row.busy_since is None:
        return ""
    return f"{(now if row.busy_until is None else row.busy_until) - row.busy_since:.1f}"


def _format_reason(reason: str) -> str:
    return f": {reason}" if reason else ""


def _write_line(line: str) -> None:
    if line:
        with suppress(OSError):
            sys.stderr.write(escape_line(line) + "\n")
            sys.stderr.flush()
