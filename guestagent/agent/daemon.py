"""The resident agent: works on every newer document at once, repairs drift, and has signals delivered."""

from __future__ import annotations

import logging
import math
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from types import FrameType

from guestagent.agent import evidence, signalling, status, wiring
from guestagent.agent.apply import build_node_status, build_reconciler
from guestagent.agent.dependencies import PassDependencies, Progress, Report, Verdict
from guestagent.agent.inbox import DocumentInbox, DocumentListener
from guestagent.agent.journal import Journal
from guestagent.agent.log_format import configure_log
from guestagent.agent.login_proofs import LoginProofs
from guestagent.agent.metadata_files import CollectedDocument
from guestagent.agent.model import Condition
from guestagent.agent.settings import Settings
from guestagent.agent.signal_decision import Decision, decide_signal
from guestagent.agent.signalling import SignalThread
from guestagent.agent.status import AgentStatus
from guestagent.agent.systemd_notify import notify_systemd
from guestagent.errors import GuestAgentError, InvalidMetadata, NotReady, StorageError
from guestagent.metadata import Document, parse, require_resolved, salvage_document
from guestagent.retry import Clock, SystemClock
from guestagent.signal import Sender, SignalRecord, SignalStatus, Spool, SpoolEntry

DependenciesFactory = Callable[
    [Settings, Clock, Callable[[], bool], Callable[[Progress], None]], PassDependencies
]
SenderFactory = Callable[[Settings, Clock, Callable[[str], None]], Sender]
LOG = logging.getLogger("guestagent")
EXIT_TIMEOUT_S = 0.8
POLL_INTERVAL_S = 1.0


def run_daemon(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; the pass at work is cut between two steps, and nothing final is said of it."""
    configure_log(logging.INFO)
    with DocumentInbox(
        settings.state_folder, settings.run_folder, settings.collector_cache
    ).open_listener() as ear:
        service = AgentDaemon(settings, ear)

        def end(number: int, frame: FrameType | None) -> None:
            service.request_stop(number, frame)
            schedule_exit()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        service.run()
    return 0


def schedule_exit() -> None:
    """End the process even where a silent server holds it in a call: any cut converges, so also this one."""
    last = threading.Timer(EXIT_TIMEOUT_S, os._exit, (0,))
    last.daemon = True
    last.start()


class AgentDaemon:
    """One thread passes, another one (the announcer's) signals. Poked through its ear."""

    def __init__(
        self,
        settings: Settings,
        ear: DocumentListener,
        edges: DependenciesFactory = wiring.build_dependencies,
        sender: SenderFactory = wiring.build_sender,
    ) -> None:
        self._settings, self._ear, self._make_edges = settings, ear, edges
        self._clock = _EarClock(ear)
        self._spool = Spool(settings.state_folder)
        self._announcer = SignalThread(sender(settings, SystemClock(), LOG.info), LOG.info)
        self._ended = threading.Event()
        self._work: CollectedDocument | None = None
        self._since = 0.0
        self._shown: AgentStatus | None = None
        self._told = ""
        self._logins = LoginProofs()

    def request_stop(self, number: int, frame: FrameType | None) -> None:
        """The handler of SIGTERM."""
        self._ended.set()
        self._ear.wake()

    def run(self) -> None:
        status.keep_unreadable_aside(self._settings.state_folder / "status.json")
        self._announcer.start()
        notify_systemd("READY=1")
        try:
            while not self._ended.is_set():
                self._turn()
        finally:
            notify_systemd("STOPPING=1")
            self._announcer.stop()

    def _turn(self) -> None:
        """One document, once: as far as it gets; then wait for a newer one, or until it is time to look for drift."""
        work, server = self._ear.read_latest(), self._server()
        if work != self._work:
            self._work, self._since, self._shown = work, self._clock.now(), None
            self._announcer.hold()  # an outcome of the older document says nothing of this one
        if work is None:
            self._show(AgentStatus("waiting", "no metadata yet"))
        else:
            self._work_on(work)
        if not self._interrupted():
            self._rest(server)

    def _rest(self, server: tuple[int, int] | None) -> None:
        """Until a poke, the next look for drift, or a restart of the server: that one comes back read-only."""
        until = self._clock.now() + self._settings.interval
        while (left := until - self._clock.now()) > 0 and server == self._server():
            if self._ear.wait(min(left, POLL_INTERVAL_S)):
                return

    def _server(self) -> tuple[int, int] | None:
        return wiring.identify_server_instance(self._settings.database_socket)

    def _work_on(self, work: CollectedDocument) -> None:
        try:
            document = parse(work.document, work.display_path)
            require_resolved(document, work.display_path)
        except InvalidMetadata as error:
            self._refuse(work, error)
            return
        try:
            self._see_to(document)
        except GuestAgentError as error:
            if not self._interrupted():
                self._stumble(document, str(error))
        except Exception as error:  # noqa: BLE001 - a bug of ours must not end the agent, nor stay unsaid
            self._stumble(document, evidence.describe_bug(error))

    def _see_to(self, document: Document) -> None:
        if self._shown is None:
            # What an earlier life or document left may hold no longer.
            self._show(_converging(document, "looking at the server"))
        report = self._reconcile(document)
        if report.verdict is Verdict.INTERRUPTED:
            return
        if (
            decide_signal(self._record(document), evidence.choose_status(report), late=report.is_late)
            is Decision.SEND
        ):
            self._announcer.submit(signalling.build_entry(document, report))
        self._tell(report)
        self._show(build_node_status(document, report))

    def _stumble(self, document: Document, why: str) -> None:
        """The pass could not even be judged. It is tried again; what still is so at the deadline is said."""
        LOG.error("%s", why)
        self._show(AgentStatus("converging", "cannot work", problems=(why,)))
        spent = self._spent_on(document)
        self._withhold(document, spent)
        late = spent >= document.section.deadline
        if late and self._is_worth_sending(document, late=True):
            self._announcer.submit(
                SpoolEntry(document.handle, document.unique_id, evidence.build_error_outcome(document, why))
            )

    def _spent_on(self, document: Document) -> float:
        """Return the seconds that count towards the deadline: the journal's, which a restart of the agent does not
        reset. If it cannot be kept, or another pass has it, they are those since this process has the document.
        """
        seen = self._clock.now() - self._since
        try:
            with wiring.hold_pass_lock(self._settings, lambda: False):
                journal = Journal(self._settings.state_folder / "journal.json", self._clock)
                journal.begin_task(wiring.build_task_key(document))
                journal.record_elapsed()
                return max(seen, journal.elapsed_s)
        except (StorageError, NotReady):
            return seen

    def _withhold(self, document: Document, elapsed: float) -> None:
        """Hold back what a look did not confirm: a SUCCESS always, a FAILURE while the deadline may still be met."""
        self._announcer.hold(SignalStatus.SUCCESS)
        if elapsed < document.section.deadline:
            self._announcer.hold(SignalStatus.FAILURE)

    def _record(self, document: Document) -> SignalRecord | None:
        return self._spool.find_record(document.handle, document.unique_id)

    def _is_worth_sending(self, document: Document, *, late: bool = False) -> bool:
        """Return whether a FAILURE without a report should be sent. A spool that cannot be read does not prevent it."""
        try:
            record = self._record(document)
        except StorageError:
            return True
        return decide_signal(record, SignalStatus.FAILURE, late=late) is Decision.SEND

    def _reconcile(self, document: Document) -> Report:
        with wiring.hold_pass_lock(self._settings, self._patience):
            # Within the lock, so that the journal is read after whoever held it has written.
            edges = self._make_edges(
                self._settings,
                self._clock,
                self._interrupted,
                lambda progress: self._progress(document, progress),
            )
            edges = replace(edges, login_proofs=self._logins)
            return build_reconciler(document, edges).converge(self._deadline(document, edges.journal))

    def _deadline(self, document: Document, journal: Journal) -> float:
        """Return the seconds after which a node that is not ready has failed.

        Once the node was ready, or the handle has answered, the deadline has done its duty: from then on drift is
        repaired. A pending FAILURE that was healed in the meantime may come true again at the deadline.
        """
        record, deadline = self._record(document), float(document.section.deadline)
        if record is None:
            return deadline
        if record.pending is None or record.pending.outcome.status is SignalStatus.SUCCESS:
            journal.record_outcome(wiring.build_task_key(document))
            return math.inf
        is_over = journal.get_task_seconds(wiring.build_task_key(document)) >= deadline
        return math.inf if is_over and self._announcer.is_sending(SignalStatus.FAILURE) else deadline

    def _refuse(self, work: CollectedDocument, error: InvalidMetadata) -> None:
        """An invalid document changes nothing; where its handle can be read, FAILURE tells every problem."""
        LOG.error("%s", error)
        self._show(AgentStatus("failed", "invalid metadata", problems=tuple(str(p) for p in error.problems)))
        readable = salvage_document(work.document)
        if readable is not None and self._is_worth_sending(readable):
            outcome = evidence.build_refusal_outcome(readable, error)
            self._announcer.submit(SpoolEntry(readable.handle, readable.unique_id, outcome))

    def _interrupted(self) -> bool:
        return self._ended.is_set() or self._ear.read_latest() != self._work

    def _patience(self) -> bool:
        """Wait for another pass (an `apply` by hand). Nothing is sent meanwhile: what that one finds is newer."""
        self._announcer.hold()
        self._clock.sleep(0.5)
        return not self._interrupted()

    def _progress(self, document: Document, progress: Progress) -> None:
        if self._shown is None or self._shown.doing != progress.activity:
            LOG.info("%.1f s: %s", progress.elapsed, progress.activity)
        notify_systemd(f"STATUS={progress.activity}")
        if progress.readiness is not None:
            self._withhold(document, progress.elapsed)
        conditions = () if progress.readiness is None else progress.readiness.conditions
        self._show(_converging(document, progress.activity, progress.elapsed, conditions))

    def _tell(self, report: Report) -> None:
        line = str(report.verdict)
        if report.verdict is not Verdict.READY:
            line += f" after {report.elapsed:.1f} s: {report.readiness.worst_condition}"
        if self._told != line:
            LOG.info("%s", line)
        self._told = line
        notify_systemd(f"STATUS={line}")

    def _show(self, shown: AgentStatus) -> None:
        status.write_status(self._settings.state_folder / "status.json", shown)
        self._shown = shown


def _converging(
    document: Document, doing: str, elapsed: float = 0.0, conditions: tuple[Condition, ...] = ()
) -> AgentStatus:
    section, role = document.section, str(document.role)
    of = (section.node, role, section.generation, elapsed, section.deadline)
    return AgentStatus("converging", doing, *of, conditions)


class _EarClock(SystemClock):
    """Sleeps until poked: a pass that waits must hear of a newer document at once."""

    def __init__(self, ear: DocumentListener) -> None:
        self._ear = ear

    def sleep(self, seconds: float) -> None:
        self._ear.wait(seconds)
