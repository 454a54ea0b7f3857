"""A cluster on a terminal: a live table while it changes, then a plain one. Without a terminal, plain lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from guestagent.cli.output import get_terminal, write_log_line
from guestagent.cli.seed_notes import format_minutes
from guestagent.controller.events import Event, NodeChanged, StackChanged, Tell
from guestagent.controller.node_state import NodeState
from guestagent.database.gtid_history import shorten_gtids
from guestagent.retry import Clock
from guestagent.text_escaping import escape_line

if TYPE_CHECKING:
    from rich.table import Table

    from guestagent.controller.status import ClusterStatus, NodeStatus, SeedProgress

STATE_COLOURS = {
    NodeState.WAITING: "dim",
    NodeState.BOOTING: "cyan",
    NodeState.PROVING: "yellow",
    NodeState.READY: "green",
    NodeState.FAILED: "bold red",
}
COLUMN_HEADINGS = ("node", "role", "state", "address", "flavor", "generation", "evidence", "seed")
POLL_INTERVAL_S = 2.0


@contextmanager
def show_progress(title: str) -> Iterator[Tell]:
    """Yield a function that shows events on stderr: as a live table on a terminal, else line by line."""
    if not sys.stderr.isatty():
        yield _print_event
        return
    from rich.console import Console
    from rich.live import Live

    board = ProgressTable(title)
    with Live(
        get_renderable=board.build_table, console=Console(file=get_terminal(sys.stderr)), refresh_per_second=4
    ):
        yield board.handle_event


class ProgressTable:
    """The state of all nodes as a table, with running seconds."""

    def __init__(self, title: str) -> None:
        self._title, self._status = title, ""
        self._nodes: dict[str, tuple[NodeChanged, float]] = {}
        self._start = time.monotonic()

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
        title = f"{escape(escape_line(self._title))} {self._status} {now - self._start:.0f} s"
        table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
        for heading in ("node", "state", "seconds", "reason"):
            table.add_column(heading)
        for name, (event, since) in self._nodes.items():
            is_over = event.state in (NodeState.READY, NodeState.FAILED)
            seconds = f"after {event.seconds:.0f}" if is_over else f"for {now - since:.0f}"
            detail = event.reason or format_seed_progress(event.expected_s, now - since)
            reason, style = escape(escape_line(detail)), STATE_COLOURS[event.state]
            table.add_row(escape(escape_line(name)), str(event.state), seconds, reason, style=style)
        return table


def _print_event(event: Event) -> None:
    state = event.status if isinstance(event, StackChanged) else event.state
    reason = f": {event.reason}" if event.reason and "fail" in state.lower() else ""
    expected_s = None if isinstance(event, StackChanged) else event.expected_s
    seed = "" if expected_s is None else f"  ({format_seed_progress(expected_s)})"
    write_log_line(f"{event.seconds:6.1f} s  {event.name}  {state}{reason}{seed}")


def format_seed_progress(expected_s: float | None, elapsed_s: float | None = None) -> str:
    """Format how long a replica may get its data: "" if it gets none, or if that is unknown."""
    if expected_s is None:
        return ""
    expected = f"seeding: about {format_minutes(expected_s)} expected"
    return expected if elapsed_s is None else f"{expected}, {elapsed_s / 60:.0f} min elapsed"


def watch_stack(
    status: ClusterStatus, read_status: Callable[[], ClusterStatus], clock: Clock
) -> ClusterStatus:
    """Poll until Heat has stopped working on the stack, and show the changes as `show_progress` does."""
    start = clock.now()
    reported_events: dict[object, object] = {}
    with show_progress(status.stack.name) as tell:
        while status.stack.in_progress:
            _report_changes(status, clock.now() - start, reported_events, tell)
            clock.sleep(POLL_INTERVAL_S)
            status = read_status()
        _report_changes(status, clock.now() - start, reported_events, tell)
    return status


def _report_changes(
    status: ClusterStatus, seconds: float, reported_events: dict[object, object], tell: Tell
) -> None:
    stack = status.stack
    events: list[Event] = [StackChanged(stack.name, stack.status, seconds, stack.reason)]
    for node in status.nodes:
        expected_s = None if node.seed is None else node.seed.expected_s
        events.append(NodeChanged(node.name, node.state, seconds, node.reason, expected_s))
    for event in events:
        event_key, state = (type(event), event.name), replace(event, seconds=0, reason="")
        if reported_events.get(event_key) != state:
            reported_events[event_key] = state
            tell(event)


def format_status(status: ClusterStatus) -> str:
    """Format the status for a person."""
    rows = [_build_row(node) for node in status.nodes]
    columns = [
        (heading, *cells)
        for heading, *cells in zip(COLUMN_HEADINGS, *rows, strict=True)
        if set(cells) != {"-"}
    ]
    padded = [[cell.ljust(max(map(len, column))) for cell in column] for column in columns]
    lines = ["  ".join(cells).rstrip() for cells in zip(*padded, strict=True)] if rows else []
    reason = f": {status.stack.reason}" if status.stack.reason and status.stack.failed else ""
    # The stack's own reason is usually that of the first node.
    reasons = [f"{node.name}: {node.reason}" for node in status.nodes if node.reason not in reason]
    report_lines = [f"{status.stack.name} is {status.stack.status}{reason}", *lines, *reasons]
    return "".join(f"{escape_line(line)}\n" for line in report_lines)


def _build_row(status: NodeStatus) -> tuple[str, ...]:
    node = status.node
    cells = (
        status.role,
        status.state,
        status.address,
        node.flavor,
        node.generation,
        _summarise_evidence(status.evidence),
        _format_seed(status.seed),
    )
    return (node.name, *(str(value) if value else "-" for value in cells))


def _format_seed(seed: SeedProgress | None) -> str:
    """Format the expected time of a seed, and the time since the update began."""
    if seed is None:
        return ""
    expected = (
        "its time is unknown"
        if seed.expected_s is None
        else f"about {format_minutes(seed.expected_s)} expected"
    )
    return (
        expected
        if seed.elapsed_s is None
        else f"{expected}, the update began {seed.elapsed_s / 60:.0f} min ago"
    )


def _summarise_evidence(evidence: object) -> str:
    """Return the most important parts of the evidence."""
    if not isinstance(evidence, dict):
        return ""
    lag = evidence.get("lag")
    gtids = shorten_gtids(str(evidence.get("gtid") or ""))
    parts = [evidence.get("version"), None if lag is None else f"lag {lag} s", gtids]
    return ", ".join(str(part) for part in parts if part)


def build_status_document(status: ClusterStatus) -> dict[str, object]:
    """Build the status for a program."""
    return {
        "stack": status.stack.name,
        "id": status.stack.id,
        "status": status.stack.status,
        "reason": status.stack.reason,
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
                "seed": None if status.seed is None else _build_seed_document(status.seed),
            }
            for status in status.nodes
        ],
    }


def _build_seed_document(seed: SeedProgress) -> dict[str, object]:
    return {
        name: None if seconds is None else round(seconds)
        for name, seconds in (("expected", seed.expected_s), ("elapsed", seed.elapsed_s))
    }
