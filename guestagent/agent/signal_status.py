"""Signal delivery for `guestagent status`: last outcome, delivery state, handle expiry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from guestagent.agent import metadata_files
from guestagent.agent.settings import Settings
from guestagent.errors import InvalidMetadata, StorageError
from guestagent.metadata.document import Document
from guestagent.metadata.parser import salvage_document
from guestagent.signal import DeliveryRecord, SignalRecord, SignalStatus, Spool, find_expiry
from guestagent.signal.transports import utc_now


def describe_signal(
    settings: Settings,
    document: Document | None = None,
    today: Callable[[], datetime] = utc_now,
    state: str | None = None,
) -> str:
    """Describe the delivery in one line without secrets; "" if there is nothing to describe.

    `document`: by default the collected one. `state` is the node's at the last observation: while it is not ready, a
    pending SUCCESS is not sent.
    """
    document = _read_document(settings) if document is None else document
    spool = Spool(settings.state_folder)
    record = (
        spool.read_record() if document is None else spool.find_record(document.handle, document.unique_id)
    )
    if record is not None and record.pending is None:
        if record.given_up is not None:
            outcome, time = record.given_up.outcome, record.given_up.at
            return f"{outcome.status} given up at {time}: {record.given_up.reason}"
        if record.accepted is not None:
            return _describe_acceptance(record.accepted)
    text = _describe_pending(record, is_ready=state in (None, "ready"))
    handle_expiry = None if document is None else find_expiry(document.handle, settings.auth_ttl)
    if handle_expiry is not None:
        return f"{text}; {handle_expiry.describe(today())}"
    return "" if record is None else text


def _describe_pending(record: SignalRecord | None, *, is_ready: bool) -> str:
    if record is None or record.pending is None:
        return "nothing sent yet"
    status = record.pending.outcome.status
    is_held = status is SignalStatus.SUCCESS and not is_ready
    return f"{status} pending" + (", held back until the node is ready again" if is_held else "")


def _describe_acceptance(delivery: DeliveryRecord) -> str:
    line = f"{delivery.outcome.status} accepted at {delivery.at}"
    if delivery.is_confirmed:
        return line
    return f"{line}, not confirmed ({delivery.transport} has no receipt): check the stack"


def _read_document(settings: Settings) -> Document | None:
    """Read what is readable of the collected document. Its handle counts even if the rest is invalid."""
    try:
        collected = metadata_files.find_latest_document(settings)
    except (InvalidMetadata, StorageError):
        return None
    return None if collected is None else salvage_document(collected.document)
