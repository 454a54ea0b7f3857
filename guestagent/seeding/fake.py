"""A runner and a server control for tests: they do what they are told, and record what was asked of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from guestagent.seeding.protocols import SeedReporter, SeedResult, ServerControl
from guestagent.seeding.request import SeedRequest
from guestagent.seeding.state import SeedPhase


@dataclass(slots=True)
class FakeServerControl:
    """A ServerControl whose server always does as it is told."""

    commands: list[str] = field(default_factory=list)
    socket: str = "/no/socket"

    def start(self, reporter: SeedReporter) -> None:
        self.commands.append("start")

    def stop(self, reporter: SeedReporter) -> None:
        self.commands.append("stop")


@dataclass(slots=True)
class FakeRunner:
    """A SeedRunner that moves `total` bytes in steps. `on_step(done)` may raise whatever an attempt can meet."""

    total: int = 100
    step: int = 50
    position: str = "0-1-7"
    on_step: Callable[[int], None] = lambda done: None
    runs: list[SeedRequest] = field(default_factory=list)
    cleaned: list[tuple[str, str]] = field(default_factory=list)

    def run(self, request: SeedRequest, reporter: SeedReporter, server: ServerControl) -> SeedResult:
        self.runs.append(request)
        reporter.report_resumption("the copy begins anew")
        reporter.enter(SeedPhase.TRANSFERRING)
        for done in range(self.step, self.total + 1, self.step):
            self.on_step(done)
            reporter.report_bytes(done, self.total)
        return SeedResult(self.position, self.total)

    def clean_up(self, reporter: SeedReporter, server: ServerControl) -> None:
        self.cleaned.append((reporter.state.id, reporter.state.data_directory))
