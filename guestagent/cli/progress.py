"""A cluster on a terminal: live while it changes, as a table when it rests. Plain lines where nobody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from guestagent.cli.output import get_terminal
from guestagent.controller.events import Event, NodeChanged, NodeState, StackChanged, Tell
from guestagent.database.gtid_history import shorten_gtids
from guestagent.retry import Clock
from guestagent.text_escaping import escape_line

if TYPE_CHECKING:
    from rich.table import Table

    from guestagent.controller.status import ClusterStatus, NodeStatus

STATE_COLOURS = {
    NodeState.WAITING: "dim",
    NodeState.BOOTING: "cyan",
    NodeState.PROVING: "yellow",
    NodeState.READY: "green",
    NodeState.FAILED: "bold red",
}
COLUMN_HEADINGS = ("node", "role", "state", "address", "flavor", "generation", "evidence")
POLL_INTERVAL_S = 2.0


@contextmanager
def show_progress(title: str) -> Iterator[Tell]:
    """Events given to what this yields are shown on stderr: as a live table on a terminal, else line by line."""
    if not sys.stderr.isatty():
        yield _told
        return
    from rich.console import Console
    from rich.live import Live

    board = ProgressTable(title)
    with Live(
        get_renderable=board.build_table, console=Console(file=get_terminal(sys.stderr)), refresh_per_second=4
    ):
        yield board.handle_event


class ProgressTable:
    """What was told so far, as a table whose seconds run."""

    def __init__(self, title: str) -> None:
        self._title, self._status = title, ""
        self._nodes: dict[str, tuple[NodeChanged, float]] = {}
        self._began = time.monotonic()

    def handle_event(self, event: Event) -> None:
        if isinstance(event, StackChanged):
            self._status = event.status
        else:
            self._nodes[event.name] = (event, time.monotonic())

    def build_table(self) -> Table:
        from rich.box import SIMPLE_HEAD
        from rich.markup import escape
        from rich.table import Table

        now = time.monotonic()
        title = f"{escape(escape_line(self._title))} {self._status} {now - self._began:.0f} s"
        table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
        for head in ("node", "state", "seconds", "reason"):
            table.add_column(head)
        for name, (event, since) in self._nodes.items():
            over = event.state in (NodeState.READY, NodeState.FAILED)
            seconds = f"after {event.seconds:.0f}" if over else f"for {now - since:.0f}"
            reason, style = escape(escape_line(event.reason)), STATE_COLOURS[event.state]
            table.add_row(escape(escape_line(name)), str(event.state), seconds, reason, style=style)
        return table


def _told(event: Event) -> None:
    state = event.status if isinstance(event, StackChanged) else event.state
    reason = f": {event.reason}" if event.reason and "fail" in state.lower() else ""
    sys.stderr.write(escape_line(f"{event.seconds:6.1f} s  {event.name}  {state}{reason}") + "\n")
    sys.stderr.flush()


def watch_stack(seen: ClusterStatus, look: Callable[[], ClusterStatus], clock: Clock) -> ClusterStatus:
    """Look again and again until Heat rests, and show what changes as `progress` does."""
    began = clock.now()
    told: dict[object, object] = {}
    with show_progress(seen.stack.name) as tell:
        while seen.stack.in_progress:
            _tell_changes(seen, clock.now() - began, told, tell)
            clock.sleep(POLL_INTERVAL_S)
            seen = look()
        _tell_changes(seen, clock.now() - began, told, tell)
    return seen


def _tell_changes(seen: ClusterStatus, seconds: float, told: dict[object, object], tell: Tell) -> None:
    stack = seen.stack
    events: list[Event] = [StackChanged(stack.name, stack.status, seconds, stack.reason)]
    events += [NodeChanged(node.name, node.state, seconds, node.reason) for node in seen.nodes]
    for event in events:
        what, now = (type(event), event.name), replace(event, seconds=0, reason="")
        if told.get(what) != now:
            told[what] = now
            tell(event)


def format_status(seen: ClusterStatus) -> str:
    """The status for a person."""
    rows = [_row(node) for node in seen.nodes]
    columns = [
        (head, *cells) for head, *cells in zip(COLUMN_HEADINGS, *rows, strict=True) if set(cells) != {"-"}
    ]
    padded = [[cell.ljust(max(map(len, column))) for cell in column] for column in columns]
    lines = ["  ".join(cells).rstrip() for cells in zip(*padded, strict=True)] if rows else []
    reason = f": {seen.stack.reason}" if seen.stack.reason and seen.stack.failed else ""
    # The stack's own reason is mostly the first one's.
    reasons = [f"{node.name}: {node.reason}" for node in seen.nodes if node.reason not in reason]
    shown = [f"{seen.stack.name} is {seen.stack.status}{reason}", *lines, *reasons]
    return "".join(f"{escape_line(line)}\n" for line in shown)


def _row(status: NodeStatus) -> tuple[str, ...]:
    node = status.node
    known = (
        status.role,
        status.state,
        status.address,
        node.flavor,
        node.generation,
        _in_short(status.evidence),
    )
    return (node.name, *(str(value) if value else "-" for value in known))


def _in_short(evidence: object) -> str:
    """The parts of the evidence that a person looks for first."""
    if not isinstance(evidence, dict):
        return ""
    lag = evidence.get("lag")
    gtids = shorten_gtids(str(evidence.get("gtid") or ""))
    parts = [evidence.get("version"), None if lag is None else f"lag {lag} s", gtids]
    return ", ".join(str(part) for part in parts if part)


def build_status_document(seen: ClusterStatus) -> dict[str, object]:
    """The status for a program."""
    return {
        "stack": seen.stack.name,
        "id": seen.stack.id,
        "status": seen.stack.status,
        "reason": seen.stack.reason,
        "nodes": [
            {
                "name": status.node.name,
                "role": str(status.role) if status.role else None,
                "state": str(status.state),
                "address": status.address or None,
                "flavor": status.node.flavor or None,
                "image": status.node.image or None,
                "server_id": status.node.server_id or None,
                "generation": status.node.generation,
                "reason": status.reason or None,
                "evidence": status.evidence,
            }
            for status in seen.nodes
        ],
    }
