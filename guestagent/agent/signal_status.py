"""How it stands with the handle, for status: what was said, how that fares, and until when the handle will listen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from guestagent.agent import metadata_files
from guestagent.agent.settings import Settings
from guestagent.errors import InvalidMetadata, StorageError
from guestagent.metadata.document import Document
from guestagent.metadata.parser import salvage_document
from guestagent.signal import DeliveryRecord, SignalStatus, Spool, expiry
from guestagent.signal.transports import utc_now


def describe_signal(
    settings: Settings,
    document: Document | None = None,
    today: Callable[[], datetime] = utc_now,
    state: str | None = None,
) -> str:
    """One line without secrets; "" where there is nothing to tell. `document`: by default what was collected.

    `state` is the node's at the last look: while it is not ready, a pending SUCCESS is not sent.
    """
    document = _collected(settings) if document is None else document
    spool = Spool(settings.state_folder)
    record = (
        spool.read_record() if document is None else spool.find_record(document.handle, document.unique_id)
    )
    if record is not None and record.pending is not None:
        said = f"{record.pending.outcome.status} pending"
        if record.pending.outcome.status is SignalStatus.SUCCESS and state not in (None, "ready"):
            said += ", held back until the node is ready again"
    elif record is not None and record.given_up is not None:
        return f"{record.given_up.outcome.status} given up at {record.given_up.at}: {record.given_up.reason}"
    elif record is not None and record.accepted is not None:
        return _accepted(record.accepted)
    else:
        said = "nothing said yet"
    seen = None if document is None else expiry(document.handle, settings.auth_ttl)
    if seen is not None:
        return f"{said}; {seen.describe(today())}"
    return "" if record is None else said


def _accepted(said: DeliveryRecord) -> str:
    line = f"{said.outcome.status} accepted at {said.at}"
    if said.is_confirmed:
        return line
    return f"{line}, not confirmed ({said.transport} has no receipt): the stack tells whether it counts"


def _collected(settings: Settings) -> Document | None:
    """What can be read of the document at hand: its handle counts, also where the rest is invalid."""
    try:
        found = metadata_files.find_latest_document(settings)
    except (InvalidMetadata, StorageError):
        return None
    return None if found is None else salvage_document(found.document)
