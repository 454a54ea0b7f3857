"""A cluster on a terminal: live while it changes, as a table when it rests. Plain lines where nobody watches."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from guestagent.controller.events import Event, NodeChanged, NodeState, StackChanged, Tell

if TYPE_CHECKING:
    from rich.table import Table

    from guestagent.controller.status import ClusterStatus, NodeStatus

COLOURS = {
    NodeState.WAITING: "dim",
    NodeState.BOOTING: "cyan",
    NodeState.PROVING: "yellow",
    NodeState.READY: "green",
    NodeState.FAILED: "bold red",
}
HEADS = ("node", "role", "state", "address", "flavor", "generation", "evidence")
BETWEEN_LOOKS = 2.0


@contextmanager
def progress(title: str) -> Iterator[Tell]:
    """Events given to what this yields are shown on stderr: as a live table on a terminal, else line by line."""
    if not sys.stderr.isatty():
        yield _told
        return
    from rich.console import Console
    from rich.live import Live

    board = Board(title)
    with Live(get_renderable=board.table, console=Console(stderr=True), refresh_per_second=4):
        yield board.tell


class Board:
    """What was told so far, as a table whose seconds run."""

    def __init__(self, title: str) -> None:
        self._title, self._status = title, ""
        self._nodes: dict[str, tuple[NodeChanged, float]] = {}
        self._began = time.monotonic()

    def tell(self, event: Event) -> None:
        if isinstance(event, StackChanged):
            self._status = event.status
        else:
            self._nodes[event.name] = (event, time.monotonic())

    def table(self) -> Table:
        from rich.box import SIMPLE_HEAD
        from rich.markup import escape
        from rich.table import Table

        now = time.monotonic()
        title = f"{escape(self._title)} {self._status} {now - self._began:.0f} s"
        table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
        for head in ("node", "state", "seconds", "reason"):
            table.add_column(head)
        for name, (event, since) in self._nodes.items():
            over = event.state in (NodeState.READY, NodeState.FAILED)
            seconds = f"after {event.seconds:.0f}" if over else f"for {now - since:.0f}"
            table.add_row(name, str(event.state), seconds, escape(event.reason), style=COLOURS[event.state])
        return table


def _told(event: Event) -> None:
    state = event.status if isinstance(event, StackChanged) else event.state
    reason = f": {event.reason}" if event.reason and "fail" in state.lower() else ""
    sys.stderr.write(f"{event.seconds:6.1f} s  {event.name}  {state}{reason}\n")
    sys.stderr.flush()


def watched(look: Callable[[], ClusterStatus]) -> ClusterStatus:
    """Look again and again until Heat rests, and show what changes on stderr."""
    seen = look()
    began, told = time.monotonic(), ""
    while seen.stack.in_progress:
        if (table := as_table(seen)) != told:
            sys.stderr.write(f"{time.monotonic() - began:6.1f} s  {table}")
            sys.stderr.flush()
            told = table
        time.sleep(BETWEEN_LOOKS)
        seen = look()
    return seen


def as_table(seen: ClusterStatus) -> str:
    """The status for a person."""
    rows = [HEADS, *(_row(node) for node in seen.nodes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    reasons = [f"{node.node.name}: {node.reason}" for node in seen.nodes if node.reason]
    reason = f": {seen.stack.reason}" if seen.stack.reason and seen.stack.failed else ""
    return "\n".join([f"{seen.stack.name} is {seen.stack.status}{reason}", *lines, *reasons]) + "\n"


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
    parts = [evidence.get("version"), None if lag is None else f"lag {lag} s", evidence.get("gtid")]
    return ", ".join(str(part) for part in parts if part)


def as_document(seen: ClusterStatus) -> dict[str, object]:
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
