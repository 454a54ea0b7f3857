"""An operation while it goes on: a live table of the cluster's instances on a terminal, else one line for each step."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from guestagent.cli.output import get_terminal, write_log_line
from guestagent.cli.resource_commands.tables import describe_progress
from guestagent.errors import OrderRefused, ServiceUnreachable
from guestagent.resources.operation import Operation, RefusalCode
from guestagent.resources.views import InstanceState, InstanceView
from guestagent.text_escaping import escape_line

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

LOOK_INTERVAL_S = 5.0
"""Between two looks at the instances, each of which asks the cloud."""
STATE_COLOURS = {
    InstanceState.READY: "green",
    InstanceState.ATTENTION: "bold red",
    InstanceState.GONE: "bold red",
    InstanceState.NEW: "dim",
    InstanceState.DELETING: "dim",
}
ListInstances = Callable[[], Sequence[InstanceView]]


class ProgressDisplay(Protocol):
    """Shows an operation whenever it is read. `call_s` is how long one call may wait for the next change."""

    @property
    def call_s(self) -> float | None: ...
    def show(self, operation: Operation) -> None: ...
    def note(self, line: str) -> None: ...


@contextmanager
def open_display(list_instances: ListInstances) -> Iterator[ProgressDisplay]:
    """Yield the display for standard error: a live table on a terminal, else lines."""
    if not sys.stderr.isatty():
        yield ProgressLines()
        return
    from rich.console import Console
    from rich.live import Live

    board = OperationTable(list_instances)
    console = Console(file=get_terminal(sys.stderr))
    with Live(get_renderable=board.build_board, console=console, refresh_per_second=4):
        yield board


class ProgressLines:
    """One line for each change that a person can see."""

    call_s = None

    def __init__(self) -> None:
        self._start, self._last_line = time.monotonic(), ""

    def show(self, operation: Operation) -> None:
        progress = describe_progress(operation)
        line = (
            f"{operation.cluster}  {operation.kind}  {operation.state}{f': {progress}' if progress else ''}"
        )
        if line != self._last_line:
            self._last_line = line
            self.note(line)

    def note(self, line: str) -> None:
        write_log_line(f"{time.monotonic() - self._start:6.1f} s  {line}")


class OperationTable:
    """The operation's step above a table of the cluster's instances, with running seconds."""

    call_s = LOOK_INTERVAL_S

    def __init__(self, list_instances: ListInstances) -> None:
        self._list_instances = list_instances
        self._start, self._looked_at = time.monotonic(), float("-inf")
        self._operation: Operation | None = None
        self._instances: Sequence[InstanceView] = ()
        self._note = ""

    def show(self, operation: Operation) -> None:
        self._operation, self._note = operation, ""
        if time.monotonic() - self._looked_at >= LOOK_INTERVAL_S or operation.state.is_final:
            self._instances = self._look()
            self._looked_at = time.monotonic()

    def note(self, line: str) -> None:
        self._note = line

    def build_board(self) -> Group:
        """Return what the terminal shows now."""
        from rich.console import Group
        from rich.text import Text

        title = Text(escape_line(self._build_title(time.monotonic() - self._start)))
        return Group(title, self._build_table()) if self._instances else Group(title)

    def _build_table(self) -> Table:
        from rich.box import SIMPLE_HEAD
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=SIMPLE_HEAD)
        for heading in ("instance", "role", "state", "flavor", "GiB", "detail"):
            table.add_column(heading)
        for view in self._instances:
            cells = (view.name, view.role, str(view.state), view.flavor, _format_size(view), view.detail)
            table.add_row(*(escape(escape_line(cell)) for cell in cells), style=STATE_COLOURS.get(view.state))
        return table

    def _build_title(self, seconds: float) -> str:
        operation = self._operation
        if operation is None:
            return ""
        progress = self._note or describe_progress(operation)
        name = f"{operation.kind} of {operation.cluster} {operation.state} {seconds:.0f} s"
        return f"{name}: {progress}" if progress else name

    def _look(self) -> Sequence[InstanceView]:
        """Return the instances. They are only shown: if the cloud does not answer, the last ones stay."""
        try:
            return self._list_instances()
        except OrderRefused as error:
            return () if error.code == RefusalCode.NOT_FOUND else self._instances
        except ServiceUnreachable:
            return self._instances


def _format_size(view: InstanceView) -> str:
    """Return the size of the volume, and the one that is wanted if it is another."""
    sizes = [str(size) for size in (view.volume_gib, view.wanted_volume_gib) if size is not None]
    return " → ".join(dict.fromkeys(sizes))
