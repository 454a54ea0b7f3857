"""The signal record: the pending signal of a handle and the results of earlier ones, in one file.

Every change replaces the file in one step. It is about one handle: the first signal to a newer one replaces it.
While a signal is pending, the file contains the handle, a credential; afterwards it contains no secret.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from guestagent import atomic_file
from guestagent.file_lock import hold_lock
from guestagent.metadata.document import CfnHandle, Handle, HotHandle
from guestagent.secret import Secret
from guestagent.signal import handle as handles
from guestagent.signal.handle import SignalTransport
from guestagent.signal.payload import SignalOutcome, SignalStatus, is_worth_sending, truncate_data
from guestagent.signal.record import DeliveryRecord, SignalRecord, SpoolEntry
from guestagent.signal.transports import utc_now
from guestagent.strict_json import UnreadableContent, get_object, get_text, parse_object
from guestagent.unreadable_file import parse_file, parse_or_quarantine

VERSION = 1
SPOOL_FILE = "signal.json"
LOCK_FILE = "signal.lock"
"""`apply` and the agent daemon both change the file."""


class Spool:
    """The signal record on the disk. Every change is on the disk before its call returns, so a kill loses nothing.

    Raises StorageError if a change cannot be written (a full disk); the old content then remains. An unreadable file
    counts as none, and the next change renames it: the present outcome is then signalled again.
    """

    def __init__(self, folder: Path, get_now: Callable[[], datetime] = utc_now) -> None:
        self._file, self._get_now = folder / SPOOL_FILE, get_now

    def put_entry(self, entry: SpoolEntry) -> bool:
        """Store a pending signal, unless the handle has accepted an outcome that it would not change.

        Return whether it was stored. It replaces the pending signal, and the record of an older handle.
        """
        with self._lock_record() as record:
            accepted = record.accepted if record is not None and _has_same_handle(record, entry) else None
            if is_worth_sending(None if accepted is None else accepted.outcome, entry.outcome):
                self._write(SignalRecord(entry.key, entry, accepted, resource=entry.resource_key))
                return True
            self._remove_pending(record, entry)
            return False

    def read_pending(self) -> SpoolEntry | None:
        """Return the pending signal, after a restart for example."""
        record = self.read_record()
        return None if record is None else record.pending

    def find_record(self, handle: Handle, unique_id: str) -> SignalRecord | None:
        """Return the record of this handle, or None if there is none.

        A signal that was given up with other credentials is left out: the handle may accept it with the present ones.
        """
        record = self.read_record()
        if record is None or record.key == handles.build_signal_key(handle, unique_id):
            return record
        if record.resource == handles.build_resource_key(handle, unique_id):
            return replace(record, given_up=None)
        return None

    def find_accepted_outcome(self, entry: SpoolEntry) -> SignalOutcome | None:
        """Return the last outcome that the entry's handle has accepted, with any credentials."""
        record = self.find_record(entry.handle, entry.unique_id)
        return record.accepted.outcome if record and record.accepted else None

    def mark_accepted(self, entry: SpoolEntry) -> None:
        """Record that the handle has accepted the entry. A newer pending signal stays."""
        delivery = self._build_delivery(entry)
        self._record_delivery(entry, lambda record: replace(record, accepted=delivery))

    def mark_given_up(self, entry: SpoolEntry, reason: str) -> None:
        """Record that the entry is not sent any more; `reason` contains no secret."""
        delivery = self._build_delivery(entry, reason)
        self._record_delivery(entry, lambda record: replace(record, given_up=delivery))

    def discard_entry(self, entry: SpoolEntry) -> None:
        """Remove the pending signal to the entry's handle: the handle has accepted such an outcome already."""
        with self._lock_record() as record:
            self._remove_pending(record, entry)

    def read_record(self) -> SignalRecord | None:
        """Return the content, or None if there is no file or an unreadable one. The signal is then sent again."""
        try:
            return parse_file(self._file, _parse_record)
        except UnreadableContent:
            return None

    @contextmanager
    def _lock_record(self) -> Iterator[SignalRecord | None]:
        """Yield the content of the file, and lock out other processes during the block."""
        with hold_lock(self._file.with_name(LOCK_FILE)):
            yield parse_or_quarantine(self._file, _parse_record)

    def _remove_pending(self, record: SignalRecord | None, entry: SpoolEntry) -> None:
        if record is not None and record.pending is not None and _has_same_handle(record, entry):
            self._write(replace(record, pending=None))

    def _record_delivery(
        self, entry: SpoolEntry, add_delivery: Callable[[SignalRecord], SignalRecord]
    ) -> None:
        with self._lock_record() as stored_record:
            record = stored_record or SignalRecord(entry.key, resource=entry.resource_key)
            if _has_same_handle(record, entry):  # otherwise a newer handle has replaced it
                is_newer = record.pending is not None and _dump_entry(record.pending) != _dump_entry(entry)
                pending = record.pending if is_newer else None
                self._write(replace(add_delivery(record), pending=pending))

    def _write(self, record: SignalRecord) -> None:
        atomic_file.write_file(self._file, json.dumps(_dump_record(record)).encode())

    def _build_delivery(self, entry: SpoolEntry, reason: str = "") -> DeliveryRecord:
        at = self._get_now().isoformat(timespec="seconds")
        return DeliveryRecord(entry.outcome, at, reason, handles.find_transport(entry.handle))


def _has_same_handle(record: SignalRecord, entry: SpoolEntry) -> bool:
    return record.key == entry.key or record.resource == entry.resource_key


def _dump_record(record: SignalRecord) -> dict[str, object]:
    return {
        "version": VERSION,
        "key": record.key,
        "resource": record.resource,
        "pending": None if record.pending is None else _dump_entry(record.pending),
        "accepted": None if record.accepted is None else _dump_delivery(record.accepted),
        "given_up": None if record.given_up is None else _dump_delivery(record.given_up),
    }


def _dump_entry(entry: SpoolEntry) -> dict[str, object]:
    kind = "hot" if isinstance(entry.handle, HotHandle) else "cfn"
    handle = {"kind": kind, "text": handles.reveal_handle(entry.handle)}
    return {"handle": handle, "unique_id": entry.unique_id, "outcome": _dump_outcome(entry.outcome)}


def _dump_delivery(delivery: DeliveryRecord) -> dict[str, object]:
    transport = None if delivery.transport is None else delivery.transport.value
    outcome = _dump_outcome(delivery.outcome)
    return {"outcome": outcome, "at": delivery.at, "why": delivery.reason, "by": transport}


def _dump_outcome(outcome: SignalOutcome) -> dict[str, object]:
    return {"status": outcome.status.value, "reason": outcome.reason, "data": truncate_data(outcome.data)}


def _parse_record(content: bytes) -> SignalRecord:
    data = parse_object(content, VERSION)
    try:
        record = SignalRecord(
            key=get_text(data, "key"),
            pending=None if data["pending"] is None else _parse_entry(get_object(data, "pending")),
            accepted=None if data["accepted"] is None else _parse_delivery(get_object(data, "accepted")),
            given_up=None if data["given_up"] is None else _parse_delivery(get_object(data, "given_up")),
            resource=get_text(data, "resource", ""),  # the first versions stored none
        )
    except UnreadableContent:
        raise
    except (KeyError, ValueError):
        raise UnreadableContent("not a signal record") from None
    if record.pending is not None and record.pending.key != record.key:
        raise UnreadableContent("a pending signal of another handle")
    return record


def _parse_entry(data: Mapping[str, object]) -> SpoolEntry:
    handle_data = get_object(data, "handle")
    text = get_text(handle_data, "text")
    text.encode()  # ValueError if it cannot be sent
    handle = HotHandle(Secret(text)) if get_text(handle_data, "kind") == "hot" else CfnHandle(Secret(text))
    unique_id = get_text(data, "unique_id")
    unique_id.encode()
    return SpoolEntry(handle, unique_id, _parse_outcome(get_object(data, "outcome")))


def _parse_delivery(data: Mapping[str, object]) -> DeliveryRecord:
    name = data.get("by")  # the first version had one transport, and did not name it
    return DeliveryRecord(
        outcome=_parse_outcome(get_object(data, "outcome")),
        at=get_text(data, "at"),
        reason=get_text(data, "why"),
        transport=None if name is None else SignalTransport(name),
    )


def _parse_outcome(data: Mapping[str, object]) -> SignalOutcome:
    return SignalOutcome(
        SignalStatus(get_text(data, "status")), get_text(data, "reason"), get_object(data, "data")
    )
