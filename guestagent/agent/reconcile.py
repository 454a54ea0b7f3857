"""The reconcile loop: passes over one document until the node is ready, cannot become so, or the deadline is over."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.model import Condition, ConditionState, Readiness
from guestagent.agent.outcome import Report, Verdict
from guestagent.agent.reconcile_pass import PassInterrupted, ReconcilePass
from guestagent.errors import StorageError
from guestagent.metadata.document import Document
from guestagent.retry import Backoff

PASS_RETRY = Backoff(initial_s=0.01, max_s=2.0, jitter=0.2)
JOURNAL_INTERVAL_S = 1.0


class Reconciler:
    """The loop and its deadline. Every pass starts from what it observes."""

    def __init__(
        self, document: Document, task: str, handle_host: str, dependencies: PassDependencies
    ) -> None:
        """`task` names the generation in the journal. Without a source, the node's own address is the one that it uses
        to reach `handle_host`.
        """
        self.dependencies = dependencies
        self._pass = ReconcilePass(document, task, handle_host, dependencies)

    def converge(self, deadline: float) -> Report:
        """Run passes until every condition holds, one has failed for good, the deadline is over, or an interruption.

        `deadline`: seconds since the journalled first pass of this task. The seconds of a seed are added to it.
        """
        journal, clock = self.dependencies.journal, self.dependencies.clock
        self._pass.change_cycle.deadline_s = deadline
        last_record = 0.0
        try:
            for wait in PASS_RETRY.iterate_waits():
                readiness = self.run_pass(test_logins=True)
                elapsed = journal.elapsed_s
                latest = deadline + self._pass.seed.compute_extension(readiness)
                if readiness.is_ready or readiness.is_final or elapsed >= latest:
                    return self._finish(readiness)
                self._pass.reporter.report_wait(readiness, elapsed)
                if elapsed - last_record >= JOURNAL_INTERVAL_S:
                    self._record_elapsed()
                    last_record = elapsed
                clock.sleep(min(wait, max(0.0, latest - elapsed)))
                self._pass.check_interruption()
        except PassInterrupted:
            return self._build_report(Verdict.INTERRUPTED, Readiness.from_conditions(_judge_interruption()))
        raise AssertionError("waits never end")

    def run_pass(self, *, test_logins: bool = False) -> Readiness:
        """Run one pass; raises PassInterrupted. `test_logins`: also prove every managed account by a login over TCP."""
        return self._pass.run(test_logins=test_logins)

    def _finish(self, readiness: Readiness) -> Report:
        self._pass.observer.save_sighting()
        if readiness.is_ready:
            self._pass.observer.save_anchor()
            return self._build_report(Verdict.READY, readiness)
        return self._build_report(Verdict.FAILED, readiness, is_late=not readiness.is_final)

    def _record_elapsed(self) -> None:
        """Record the time, so that a reboot does not give it back, and what the source has shown."""
        with suppress(StorageError):  # time that a full disk keeps from the journal is lost only by a reboot
            self.dependencies.journal.record_elapsed()
        self._pass.observer.save_sighting()

    def _build_report(self, verdict: Verdict, readiness: Readiness, *, is_late: bool = False) -> Report:
        server = self._pass.observer.last_server
        report = self._pass.reporter.build_report(verdict, readiness, server, is_late=is_late)
        return replace(report, volume=self._pass.volume, seed=self.dependencies.journal.state.seed)


def _judge_interruption() -> Condition:
    actual = "an interruption: newer metadata has arrived, or the agent is stopping"
    return Condition("work", ConditionState.PENDING, "a finished pass", actual)
