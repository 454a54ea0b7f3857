"""Reports how the work on a document goes: its progress while it lasts, and its result with the seconds by phase."""

from __future__ import annotations

from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.model import Readiness
from guestagent.agent.outcome import Progress, Report, Verdict
from guestagent.database.state import ServerState


class ProgressReporter:
    """Measures the phases by the journal's clock: until the server answered, until the last step, and verification."""

    def __init__(self, dependencies: PassDependencies) -> None:
        self._dependencies = dependencies
        self._server_time: float | None = None
        self._apply_time: float | None = None

    def note_server_answer(self) -> None:
        """Note the time of the first answer of the server."""
        if self._server_time is None:
            self._server_time = self._dependencies.journal.elapsed_s

    def note_last_step(self, *, has_applied: bool) -> None:
        """Note the time at which nothing was left to do. Further steps move it."""
        if has_applied or self._apply_time is None:
            self._apply_time = self._dependencies.journal.elapsed_s

    def report_step(self, step: object) -> None:
        """Report the step that is applied next."""
        elapsed = self._dependencies.journal.elapsed_s
        self._dependencies.report_progress(Progress(None, str(step), elapsed))

    def report_wait(self, readiness: Readiness, elapsed: float) -> None:
        """Report the condition that the node waits for."""
        activity = str(readiness.worst_condition)
        self._dependencies.report_progress(Progress(readiness, activity, elapsed))

    def build_report(
        self, verdict: Verdict, readiness: Readiness, server: ServerState | None, *, is_late: bool = False
    ) -> Report:
        """Build the result of the work."""
        elapsed = self._dependencies.journal.elapsed_s
        server_time = elapsed if self._server_time is None else self._server_time
        apply_time = elapsed if self._apply_time is None else self._apply_time
        seconds = {
            "server": server_time,
            "apply": apply_time - server_time,
            "verify": elapsed - apply_time,
        }
        phase_seconds = {phase: round(max(0.0, length), 3) for phase, length in seconds.items()}
        return Report(verdict, readiness, elapsed, is_late, server, phase_seconds)
