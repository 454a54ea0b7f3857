"""`guestagent apply`: the work of the resident agent, once, in the foreground, to its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from guestagent.agent import evidence, metadata_files, pause, signalling, status, wiring
from guestagent.agent.deadline import compute_apply_deadline
from guestagent.agent.dependencies import PassDependencies
from guestagent.agent.instance_check import InstanceCheck
from guestagent.agent.outcome import Progress, Report, Verdict
from guestagent.agent.reconcile import Reconciler
from guestagent.agent.settings import Settings
from guestagent.agent.signal_decision import Decision, decide_signal, find_newest_outcome
from guestagent.agent.signal_status import describe_signal
from guestagent.agent.status import AgentStatus
from guestagent.agent.volume_condition import describe_volume
from guestagent.errors import HandleRefused, HandleUnreachable, InvalidMetadata, NotReady, Problem
from guestagent.metadata import Document, documents, parse, require_resolved
from guestagent.retry import Clock, SystemClock
from guestagent.signal import Delivery, DeliveryResult, Sender, SignalRecord

SIGNAL_TIMEOUT_S = 60.0


def apply_document(
    settings: Settings, text: str | None, where: str, *, signals: bool, tell: Callable[[str], None]
) -> AgentStatus:
    """Apply the given document, or the collected one, until the node is ready or cannot become so; then signal.

    Raises InvalidMetadata, NotReady (paused, a copied disk, nothing collected, another pass at work), or SignalError if
    the handle was not signalled.
    """
    mark = pause.read_pause(settings.state_folder)
    if mark is not None:
        raise NotReady(f"{mark}; {pause.RESUME_ADVICE}")
    InstanceCheck(settings).require_own_disk()
    clock = SystemClock()
    document = _read_document(settings, text, where)
    sender = wiring.build_sender(settings, clock, tell)
    if signals:
        threading.Thread(target=sender.prepare).start()  # while the server is waited for
    with wiring.hold_pass_lock(settings, wiring.build_lock_wait(clock)):
        # Within the lock, so that the journal is read after the previous holder has written.
        dependencies = wiring.build_dependencies(
            settings, clock, report_progress=lambda progress: tell(_format_progress(progress))
        )
        record = sender.spool.find_record(document.handle, document.unique_id) if signals else None
        reconciler = build_reconciler(document, dependencies)
        has_deadline = signals and find_newest_outcome(record) is None
        report = reconciler.converge(
            compute_apply_deadline(
                document, dependencies.journal, wiring.build_task_key(document), has_deadline=has_deadline
            )
        )
        delivery = _signal(sender, document, record, report, clock) if signals else None
        node_status = build_node_status(document, report)
        status.quarantine_unreadable_status(settings.state_folder / status.STATUS_FILE)
        status.write_status(settings.state_folder / status.STATUS_FILE, node_status)
    if delivery is not None and delivery.result is not DeliveryResult.ACCEPTED:
        error = HandleRefused if delivery.result is DeliveryResult.GIVEN_UP else HandleUnreachable
        raise error(f"{node_status.state}, but the handle was not signalled: {delivery.reason}")
    return replace(node_status, signal=describe_signal(settings, document, state=node_status.state))


def build_reconciler(document: Document, dependencies: PassDependencies) -> Reconciler:
    """Build the reconciler of this document, after renaming the task in a journal of an earlier version."""
    task = wiring.build_task_key(document)
    dependencies.journal.rename_task(wiring.build_former_task_key(document), task)
    return Reconciler(document, task, wiring.find_handle_host(document), dependencies)


def build_node_status(document: Document, report: Report) -> AgentStatus:
    """Build the status that `guestagent status` shows of a report."""
    states = {Verdict.READY: "ready", Verdict.FAILED: "failed", Verdict.INTERRUPTED: "converging"}
    return AgentStatus(
        state=states[report.verdict],
        doing=f"not ready after {report.elapsed:.0f} s" if report.is_late else "",
        node=document.section.node,
        role=str(document.role),
        generation=document.section.generation,
        elapsed=report.elapsed,
        deadline=document.section.deadline,
        conditions=report.readiness.conditions,
        volume=describe_volume(report.volume),
    )


def _read_document(settings: Settings, text: str | None, where: str) -> Document:
    if text is None:
        collected = metadata_files.find_latest_document(settings)
        if collected is None:
            raise NotReady(
                f"no metadata has been collected in {settings.state_folder} or {settings.collector_cache}"
            )
        return _parse_resolved(collected.document, collected.display_path)
    nodes = documents(text, where)
    if len(nodes) != 1:
        raise InvalidMetadata(
            [Problem("document", "one node's metadata", f"a template of {len(nodes)} nodes")], where
        )
    return _parse_resolved(nodes[0][1], where)


def _parse_resolved(content: object, where: str) -> Document:
    document = parse(content, where)
    require_resolved(document, where)
    return document


def _signal(
    sender: Sender, document: Document, record: SignalRecord | None, report: Report, clock: Clock
) -> Delivery | None:
    """Signal the result; None if a pending SUCCESS is held back, and nothing is sent."""
    if decide_signal(record, evidence.choose_status(report), late=report.is_late) is Decision.HOLD:
        return None
    return sender.send(signalling.build_entry(document, report), until=clock.now() + SIGNAL_TIMEOUT_S)


def _format_progress(progress: Progress) -> str:
    return f"{progress.elapsed:6.1f} s  {progress.activity}"
