"""`guestagent apply`: the resident agent's pass, once, in the foreground, to its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from guestagent.agent import announcer, collect, evidence, parts, pausing, status
from guestagent.agent.edges import Edges, Progress, Report, Verdict
from guestagent.agent.journal import Journal
from guestagent.agent.reconcile import Reconciler
from guestagent.agent.settings import Settings
from guestagent.agent.signal_decision import Decision, decide
from guestagent.agent.standing import standing
from guestagent.agent.status import NodeStatus
from guestagent.errors import HandleRefused, HandleUnreachable, InvalidMetadata, NotReady, Problem
from guestagent.metadata import Document, documents, parse, require_resolved
from guestagent.retry import Clock, SystemClock
from guestagent.signal import Delivery, End, Sender, Spool

SIGNAL_SECONDS = 60.0


def apply(
    settings: Settings, text: str | None, where: str, *, signals: bool, tell: Callable[[str], None]
) -> NodeStatus:
    """Work on the given document, or on the collected one, until it is ready or cannot be; then signal.

    InvalidMetadata, NotReady (paused, nothing collected, another pass at work), SignalError where the handle was not
    told.
    """
    mark = pausing.paused(settings.state)
    if mark is not None:
        raise NotReady(f"{mark}; {pausing.RESUME}")
    clock = SystemClock()
    document = _document(settings, text, where)
    sender = parts.sender(settings, clock, tell)
    if signals:
        threading.Thread(target=sender.prepare).start()  # while the server is waited for
    with parts.alone(settings, parts.build_lock_wait(clock)):
        # Within the lock, so that the journal is read after whoever held it has written.
        edges = parts.edges(settings, clock, tell=lambda progress: tell(_line(progress)))
        reconciler = build_reconciler(document, edges)
        report = reconciler.converge(_deadline(settings, document, edges.journal, signals=signals))
        delivery = _signal(sender, document, report, clock) if signals else None
        result = node_status(document, report)
        status.keep_unreadable_aside(settings.state / "status.json")
        status.write(settings.state / "status.json", result)
    if delivery is not None and delivery.end is not End.ACCEPTED:
        error = HandleRefused if delivery.end is End.GIVEN_UP else HandleUnreachable
        raise error(f"{result.state}, but the handle was not told: {delivery.why}")
    return replace(result, signal=standing(settings, document, state=result.state))


def build_reconciler(document: Document, edges: Edges) -> Reconciler:
    """Build what works on this document, with the journal's task under the name that it has now."""
    task = parts.task(document)
    edges.journal.rename(parts.former_task(document), task)
    return Reconciler(document, task, parts.home(document), edges)


def _deadline(settings: Settings, document: Document, journal: Journal, *, signals: bool) -> float:
    """The generation's own, as long as its handle waits for an answer; otherwise one that begins now."""
    told = not signals or announcer.said(Spool(settings.state), document) is not None
    return (journal.spent_on(parts.task(document)) if told else 0.0) + document.section.deadline


def node_status(document: Document, report: Report) -> NodeStatus:
    """A report as `guestagent status` shows it."""
    states = {Verdict.READY: "ready", Verdict.FAILED: "failed", Verdict.CUT: "converging"}
    late = f"not ready after {report.elapsed:.0f} s" if report.late else ""
    return NodeStatus(
        state=states[report.verdict],
        doing=late,
        node=document.section.node,
        role=str(document.role),
        generation=document.section.generation,
        elapsed=report.elapsed,
        deadline=document.section.deadline,
        conditions=report.readiness.conditions,
    )


def _document(settings: Settings, text: str | None, where: str) -> Document:
    if text is None:
        found = collect.latest(settings)
        if found is None:
            raise NotReady(
                f"no metadata has been collected in {settings.state} or {settings.collector_cache}"
            )
        return _resolved(found.document, found.where)
    nodes = documents(text, where)
    if len(nodes) != 1:
        raise InvalidMetadata(
            [Problem("document", "one node's metadata", f"a template of {len(nodes)} nodes")], where
        )
    return _resolved(nodes[0][1], where)


def _resolved(document: object, where: str) -> Document:
    parsed = parse(document, where)
    require_resolved(parsed, where)
    return parsed


def _signal(sender: Sender, document: Document, report: Report, clock: Clock) -> Delivery | None:
    """Send what the pass has found; None if nothing is sent, because a pending SUCCESS is held back."""
    record = sender.spool.record_of(document.handle, document.unique_id)
    if decide(record, evidence.status_of(report), late=report.late) is Decision.HOLD:
        return None
    return sender.say(announcer.entry_of(document, report), until=clock.now() + SIGNAL_SECONDS)


def _line(progress: Progress) -> str:
    return f"{progress.elapsed:6.1f} s  {progress.doing}"
