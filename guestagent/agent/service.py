"""The resident agent: works on every newer document at once, repairs drift, and has signals delivered."""

from __future__ import annotations

import logging
import math
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType

from guestagent.agent import announcer, evidence, parts, status
from guestagent.agent.announcer import Announcer
from guestagent.agent.collect import Collected
from guestagent.agent.foreground import node_status
from guestagent.agent.mailbox import Ear, Mailbox
from guestagent.agent.notify import notify
from guestagent.agent.reconcile import Edges, Progress, Reconciler, Report, Verdict
from guestagent.agent.settings import Settings
from guestagent.agent.status import NodeStatus
from guestagent.errors import GuestAgentError, InvalidMetadata
from guestagent.metadata import Document, parse, require_resolved, salvaged
from guestagent.retry import Clock, SystemClock
from guestagent.signal import Entry, Spool, Status

MakeEdges = Callable[[Settings, Clock, Callable[[], bool], Callable[[Progress], None]], Edges]
LOG = logging.getLogger("guestagent")


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; the pass at work is cut between two steps, and nothing final is said of it."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    with Mailbox(settings.state, settings.run, settings.collector_cache).listen() as ear:
        service = Service(settings, ear)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, service.end)
        service.run()
    return 0


class Service:
    """One thread passes, another one (the announcer's) signals. Poked through its ear."""

    def __init__(self, settings: Settings, ear: Ear, edges: MakeEdges = parts.edges) -> None:
        self._settings, self._ear, self._make_edges = settings, ear, edges
        self._clock = _EarClock(ear)
        self._spool = Spool(settings.state)
        self._announcer = Announcer(parts.sender(settings, SystemClock(), LOG.info), LOG.info)
        self._ended = threading.Event()
        self._work: Collected | None = None
        self._since = 0.0
        self._shown: NodeStatus | None = None
        self._told = ""

    def end(self, number: int, frame: FrameType | None) -> None:
        """The handler of SIGTERM."""
        self._ended.set()
        self._ear.wake()

    def run(self) -> None:
        self._announcer.start()
        notify("READY=1")
        try:
            while not self._ended.is_set():
                self._turn()
        finally:
            notify("STOPPING=1")
            self._announcer.stop()

    def _turn(self) -> None:
        """One document, once: as far as it gets; then wait for a newer one, or until it is time to look for drift."""
        work = self._ear.latest()
        if work != self._work:
            self._work, self._since = work, self._clock.now()
        if work is None:
            self._show(NodeStatus("waiting", "no metadata yet"))
        else:
            self._work_on(work)
        if not self._interrupted():
            self._ear.wait(self._settings.interval)

    def _work_on(self, work: Collected) -> None:
        try:
            document = parse(work.document, work.where)
            require_resolved(document, work.where)
        except InvalidMetadata as error:
            self._refuse(work, error)
            return
        try:
            self._see_to(document)
        except GuestAgentError as error:
            self._stumble(document, str(error))
        except Exception as error:  # noqa: BLE001 - a bug of ours must not end the agent, nor stay unsaid
            at = traceback.extract_tb(error.__traceback__)[-1]
            self._stumble(
                document, f"a bug of guestagent: {type(error).__name__} at {at.filename}:{at.lineno}"
            )

    def _see_to(self, document: Document) -> None:
        said = announcer.said(self._spool, document)
        # Once the handle was told, the deadline has done its duty: from then on it is drift that is repaired.
        report = self._reconcile(document, math.inf if said else document.section.deadline)
        if report.verdict is Verdict.CUT:
            return
        if said is None or (report.verdict is Verdict.READY and said.status is not Status.SUCCESS):
            self._announcer.say(announcer.entry_of(document, report))
        self._tell(report)
        self._show(node_status(document, report))

    def _stumble(self, document: Document, why: str) -> None:
        """The pass could not even be judged. It is tried again; what still is so at the deadline is said."""
        LOG.error("%s", why)
        self._show(NodeStatus("converging", "cannot work", problems=(why,)))
        if self._clock.now() - self._since >= document.section.deadline:
            self._announcer.say(Entry(document.handle, document.unique_id, evidence.stumbled(document, why)))

    def _reconcile(self, document: Document, deadline: float) -> Report:
        edges = self._make_edges(
            self._settings,
            self._clock,
            self._interrupted,
            lambda progress: self._progress(document, progress),
        )
        with parts.alone(self._settings, self._patience):
            reconciler = Reconciler(document, parts.task(document), parts.home(document), edges)
            return reconciler.converge(deadline)

    def _refuse(self, work: Collected, error: InvalidMetadata) -> None:
        """An invalid document changes nothing; where its handle can be read, FAILURE tells every problem."""
        LOG.error("%s", error)
        self._show(NodeStatus("failed", "invalid metadata", problems=tuple(str(p) for p in error.problems)))
        readable = salvaged(work.document)
        if readable is not None and announcer.said(self._spool, readable) is None:
            outcome = evidence.refused(readable, error)
            self._announcer.say(Entry(readable.handle, readable.unique_id, outcome))

    def _interrupted(self) -> bool:
        return self._ended.is_set() or self._ear.latest() != self._work

    def _patience(self) -> bool:
        self._clock.sleep(0.5)
        return not self._interrupted()

    def _progress(self, document: Document, progress: Progress) -> None:
        if self._shown is None or self._shown.doing != progress.doing:
            LOG.info("%.1f s: %s", progress.elapsed, progress.doing)
        notify(f"STATUS={progress.doing}")
        section = document.section
        conditions = () if progress.readiness is None else progress.readiness.conditions
        self._show(
            NodeStatus(
                "converging",
                progress.doing,
                section.node,
                str(document.role),
                section.generation,
                progress.elapsed,
                section.deadline,
                conditions,
            )
        )

    def _tell(self, report: Report) -> None:
        line = str(report.verdict)
        if report.verdict is not Verdict.READY:
            line += f" after {report.elapsed:.1f} s: {report.readiness.worst}"
        if self._told != line:
            LOG.info("%s", line)
        self._told = line
        notify(f"STATUS={line}")

    def _show(self, shown: NodeStatus) -> None:
        if shown != self._shown:
            status.write(self._settings.state / "status.json", shown)
            self._shown = shown


class _EarClock(SystemClock):
    """Sleeps until poked: a pass that waits must hear of a newer document at once."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear

    def sleep(self, seconds: float) -> None:
        self._ear.wait(seconds)
