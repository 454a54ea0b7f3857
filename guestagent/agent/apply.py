"""`guestagent apply`: the resident agent's pass, once, in the foreground, to its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from guestagent.agent import evidence, metadata_files, pause, signalling, status, wiring
from guestagent.agent.dependencies import PassDependencies, Progress, Report, Verdict
from guestagent.agent.journal import Journal
from guestagent.agent.reconcile import Reconciler
from guestagent.agent.settings import Settings
from guestagent.agent.signal_decision import Decision, decide_signal
from guestagent.agent.signal_status import describe_signal
from guestagent.agent.status import AgentStatus
from guestagent.errors import HandleRefused, HandleUnreachable, InvalidMetadata, NotReady, Problem
from guestagent.metadata import Document, documents, parse, require_resolved
from guestagent.retry import Clock, SystemClock
from guestagent.signal import Delivery, DeliveryResult, Sender, Spool

SIGNAL_TIMEOUT_S = 60.0


def apply_document(
    settings: Settings, text: str | None, where: str, *, signals: bool, tell: Callable[[str], None]
) -> AgentStatus:
    """Work on the given document, or on the collected one, until it is ready or cannot be; then signal.

    InvalidMetadata, NotReady (paused, nothing collected, another pass at work), SignalError where the handle was not
    told.
    """
    mark = pause.read_pause(settings.state_folder)
    if mark is not None:
        raise NotReady(f"{mark}; {pause.RESUME_ADVICE}")
    clock = SystemClock()
    document = _document(settings, text, where)
    sender = wiring.build_sender(settings, clock, tell)
    if signals:
        threading.Thread(target=sender.prepare).start()  # while the server is waited for
    with wiring.hold_pass_lock(settings, wiring.build_lock_wait(clock)):
        # Within the lock, so that the journal is read after whoever held it has written.
        edges = wiring.build_dependencies(settings, clock, tell=lambda progress: tell(_line(progress)))
        reconciler = build_reconciler(document, edges)
        report = reconciler.converge(_deadline(settings, document, edges.journal, signals=signals))
        delivery = _signal(sender, document, report, clock) if signals else None
        result = build_node_status(document, report)
        status.keep_unreadable_aside(settings.state_folder / "status.json")
        status.write_status(settings.state_folder / "status.json", result)
    if delivery is not None and delivery.result is not DeliveryResult.ACCEPTED:
        error = HandleRefused if delivery.result is DeliveryResult.GIVEN_UP else HandleUnreachable
        raise error(f"{result.state}, but the handle was not told: {delivery.reason}")
    return replace(result, signal=describe_signal(settings, document, state=result.state))


def build_reconciler(document: Document, edges: PassDependencies) -> Reconciler:
    """Build what works on this document, with the journal's task under the name that it has now."""
    task = wiring.build_task_key(document)
    edges.journal.rename_task(wiring.build_former_task_key(document), task)
    return Reconciler(document, task, wiring.find_handle_host(document), edges)


def _deadline(settings: Settings, document: Document, journal: Journal, *, signals: bool) -> float:
    """The generation's own, as long as its handle waits for an answer; otherwise one that begins now."""
    told = not signals or signalling.find_newest_outcome(Spool(settings.state_folder), document) is not None
    return (
        journal.get_task_seconds(wiring.build_task_key(document)) if told else 0.0
    ) + document.section.deadline


def build_node_status(document: Document, report: Report) -> AgentStatus:
    """A report as `guestagent status` shows it."""
    states = {Verdict.READY: "ready", Verdict.FAILED: "failed", Verdict.INTERRUPTED: "converging"}
    late = f"not ready after {report.elapsed:.0f} s" if report.is_late else ""
    return AgentStatus(
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
        found = metadata_files.find_latest_document(settings)
        if found is None:
            raise NotReady(
                f"no metadata has been collected in {settings.state_folder} or {settings.collector_cache}"
            )
        return _resolved(found.document, found.display_path)
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
    record = sender.spool.find_record(document.handle, document.unique_id)
    if decide_signal(record, evidence.choose_status(report), late=report.is_late) is Decision.HOLD:
        return None
    return sender.send(signalling.build_entry(document, report), until=clock.now() + SIGNAL_TIMEOUT_S)


def _line(progress: Progress) -> str:
    return f"{progress.elapsed:6.1f} s  {progress.activity}"
