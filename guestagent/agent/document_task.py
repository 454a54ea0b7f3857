"""The resident agent's work on one document: parse it, run a pass, and report and signal the result."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from guestagent.agent import evidence, wiring
from guestagent.agent.apply import build_node_status, build_reconciler
from guestagent.agent.deadline import compute_daemon_deadline
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.donor_record import has_pending_reseed
from guestagent.agent.journal import Journal
from guestagent.agent.login_proofs import LoginProofs
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.agent.node_signaller import NodeSignaller
from guestagent.agent.outcome import Progress, Report, Verdict
from guestagent.agent.settings import Settings
from guestagent.agent.status import AgentStatus
from guestagent.agent.status_reporter import StatusReporter
from guestagent.errors import GuestAgentError, InvalidMetadata, NotReady, StorageError
from guestagent.metadata import Document, parse, require_resolved
from guestagent.retry import Clock
from guestagent.signal import SignalRecord

DependenciesFactory = Callable[
    [Settings, Clock, Callable[[], bool], Callable[[Progress], None]], PassDependencies
]
LOG = logging.getLogger("guestagent")
LOCK_INTERVAL_S = 0.5
RESEED_INTERVAL_S = 1.0
"""Between two passes of a source while a replica is about to be seeded again. Its channel is down for a few seconds
only, and a source that misses them leaves its donor open until the entry's deadline."""


@dataclass(frozen=True, slots=True)
class TaskContext:
    """The parts of the daemon that its tasks use. The proofs of logins last from one document to the next."""

    settings: Settings
    clock: Clock
    is_interrupted: Callable[[], bool]
    signaller: NodeSignaller
    reporter: StatusReporter
    build_dependencies: DependenciesFactory
    login_proofs: LoginProofs


class DocumentTask:
    """One document, turn after turn, until a newer one arrives."""

    def __init__(self, collected: CollectedDocument, context: TaskContext) -> None:
        self.collected, self._context = collected, context
        self._start_time = context.clock.now()
        self._has_pending_reseed = False

    @property
    def turn_interval_s(self) -> float:
        """Seconds until the next turn, if nothing else asks for one earlier."""
        interval = self._context.settings.interval
        return min(interval, RESEED_INTERVAL_S) if self._has_pending_reseed else interval

    def run_turn(self) -> None:
        """Work on the document once. An error is reported; the next turn tries again."""
        try:
            document = parse(self.collected.document, self.collected.display_path)
            require_resolved(document, self.collected.display_path)
        except InvalidMetadata as error:
            self._reject_document(error)
            return
        try:
            self._apply_document(document)
        except GuestAgentError as error:
            if not self._context.is_interrupted():
                self._handle_error(document, str(error))
        except Exception as error:  # noqa: BLE001 - a bug must not end the agent, and must be reported
            self._handle_error(document, evidence.describe_bug(error))

    def _reject_document(self, error: InvalidMetadata) -> None:
        LOG.error("%s", error)
        problems = tuple(str(problem) for problem in error.problems)
        self._context.reporter.show(AgentStatus("failed", "invalid metadata", problems=problems))
        self._context.signaller.signal_invalid_document(self.collected.document, error)

    def _apply_document(self, document: Document) -> None:
        reporter = self._context.reporter
        if not reporter.has_status:
            # The status of an earlier process or document may no longer be true.
            reporter.show_progress(document, Progress(None, "looking at the server", 0.0))
        with wiring.hold_pass_lock(self._context.settings, self._wait_for_lock):
            # Within the lock, so that the files are read after its former holder has written them.
            dependencies = self._build_dependencies(document)
            record = self._context.signaller.find_record(document)
            deadline = compute_daemon_deadline(
                document,
                record,
                dependencies.journal,
                wiring.build_task_key(document),
                is_sending_failure=self._context.signaller.is_sending_failure,
            )
            report = build_reconciler(document, dependencies).converge(deadline)
            self._has_pending_reseed = document.section.donor is not None and has_pending_reseed(
                dependencies.journal.state.donors
            )
        if report.verdict is not Verdict.INTERRUPTED:
            self._finish_turn(document, record, report)

    def _finish_turn(self, document: Document, record: SignalRecord | None, report: Report) -> None:
        self._context.signaller.signal_report(document, record, report)
        self._context.reporter.log_result(report)
        self._context.reporter.show(build_node_status(document, report))

    def _build_dependencies(self, document: Document) -> PassDependencies:
        def report_progress(progress: Progress) -> None:
            self._context.reporter.log_progress(progress)
            if progress.readiness is not None:
                self._context.signaller.withhold(document, progress.elapsed)
            self._context.reporter.show_progress(document, progress)

        context = self._context
        dependencies = context.build_dependencies(
            context.settings, context.clock, context.is_interrupted, report_progress
        )
        return replace(dependencies, login_proofs=context.login_proofs)

    def _wait_for_lock(self) -> bool:
        """Wait for another pass (an `apply` by hand). Nothing is sent meanwhile, because its result is newer."""
        self._context.signaller.hold()
        self._context.clock.sleep(LOCK_INTERVAL_S)
        return not self._context.is_interrupted()

    def _handle_error(self, document: Document, reason: str) -> None:
        """Report that the pass could not be completed. If that is still so at the deadline, signal it."""
        LOG.error("%s", reason)
        self._context.reporter.show(AgentStatus("converging", "cannot work", problems=(reason,)))
        elapsed = self._measure_elapsed(document)
        self._context.signaller.withhold(document, elapsed)
        if elapsed >= document.section.deadline:
            self._context.signaller.signal_error(document, reason)

    def _measure_elapsed(self, document: Document) -> float:
        """Return the seconds that count towards the deadline: those of the journal, which survive a restart.

        If the journal cannot be written, or another pass uses it, they count from the arrival of the document.
        """
        elapsed = self._context.clock.now() - self._start_time
        settings = self._context.settings
        try:
            with wiring.hold_pass_lock(settings, lambda: False):
                journal = Journal(settings.state_folder / "journal.json", self._context.clock)
                journal.begin_task(wiring.build_task_key(document))
                journal.record_elapsed()
                return max(elapsed, journal.elapsed_s)
        except (StorageError, NotReady):
            return elapsed
