"""What is to be said to a handle, and what was said: one file, replaced in one step at every change.

Only the newest handle has a place here: all about an older one goes when a newer one has something to hear.
While a signal is pending the file holds the handle, a credential; once it is accepted or given up, no secret.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from guestagent import atomic_file
from guestagent.file_lock import hold_lock
from guestagent.metadata.document import CfnHandle, Handle, HotHandle
from guestagent.secret import Secret
from guestagent.signal import handle as handles
from guestagent.signal.handle import SignalTransport
from guestagent.signal.payload import SignalOutcome, SignalStatus, truncate_data
from guestagent.signal.transports import utc_now
from guestagent.strict_json import UnreadableContent, get_object, get_text, parse_object
from guestagent.unreadable_file import parse_file, quarantine_file

VERSION = 1
SPOOL_FILE = "signal.json"
LOCK_FILE = "signal.lock"
"""`apply` and the resident agent both read the file, change it and write it."""


@dataclass(frozen=True, slots=True)
class SpoolEntry:
    """One thing to say."""

    handle: Handle
    unique_id: str
    outcome: SignalOutcome

    @property
    def key(self) -> str:
        """Names handle and id without showing either."""
        return handles.build_signal_key(self.handle, self.unique_id)

    @property
    def resource_key(self) -> str:
        """Names them whatever credentials the handle has."""
        return handles.build_resource_key(self.handle, self.unique_id)


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """What became of an outcome, and when (UTC); `why` it was given up. `by`: the handle's transport, where known."""

    outcome: SignalOutcome
    at: str
    reason: str = ""
    transport: SignalTransport | None = None

    @property
    def is_confirmed(self) -> bool:
        """Whether an acceptance proves that the handle took it."""
        return self.transport is None or self.transport.has_confirmation


@dataclass(frozen=True, slots=True)
class SignalRecord:
    """All that is known of one handle, named by its key.

    `resource` is its resource key, "" in a file of a version that did not keep it.
    """

    key: str
    pending: SpoolEntry | None = None
    accepted: DeliveryRecord | None = None
    given_up: DeliveryRecord | None = None
    resource: str = ""


class Spool:
    """Survives a kill at any point: every change is on the disk before its call returns.

    StorageError where it cannot be (a full disk); what was there before is then still there. A file that cannot be read
    counts as none, and is kept aside by the next change: what is true now is then reported once more.
    """

    def __init__(self, folder: Path, today: Callable[[], datetime] = utc_now) -> None:
        self._file, self._today = folder / SPOOL_FILE, today

    def put_entry(self, entry: SpoolEntry) -> None:
        """Keep what is to be said; it replaces what was pending, and all that is known of an older handle."""
        with self._changing() as known:
            accepted = known.accepted if known is not None and _concerns(known, entry) else None
            self._write(SignalRecord(entry.key, entry, accepted, resource=entry.resource_key))

    def read_pending(self) -> SpoolEntry | None:
        """What is still to be said, after a restart for example."""
        record = self.read_record()
        return None if record is None else record.pending

    def find_record(self, handle: Handle, unique_id: str) -> SignalRecord | None:
        """What is known of this handle; None if nothing is.

        What was given up with other credentials than the handle has now is not: it may be taken with these.
        """
        record = self.read_record()
        if record is None or record.key == handles.build_signal_key(handle, unique_id):
            return record
        if record.resource == handles.build_resource_key(handle, unique_id):
            return replace(record, given_up=None)
        return None

    def find_accepted_outcome(self, entry: SpoolEntry) -> SignalOutcome | None:
        """What the handle of this entry has taken last, with whatever credentials."""
        record = self.find_record(entry.handle, entry.unique_id)
        return record.accepted.outcome if record and record.accepted else None

    def given_up(self, entry: SpoolEntry) -> DeliveryRecord | None:
        """What was given up for the handle of this entry, and why."""
        record = self.find_record(entry.handle, entry.unique_id)
        return record.given_up if record else None

    def mark_accepted(self, entry: SpoolEntry) -> None:
        """The handle has taken it. What is pending by now, if it is something newer, stays."""
        self._settle(entry, lambda record: replace(record, accepted=self._said(entry)))

    def mark_given_up(self, entry: SpoolEntry, why: str) -> None:
        """It will not be said; `why` holds no secret."""
        self._settle(entry, lambda record: replace(record, given_up=self._said(entry, why)))

    def discard_entry(self, entry: SpoolEntry) -> None:
        """It need not be said: the handle has taken what says it."""
        with self._changing() as record:
            if record is not None and record.pending is not None and _concerns(record, entry):
                self._write(replace(record, pending=None))

    def read_record(self) -> SignalRecord | None:
        """The whole content; None if there is none, or none that can be read: then it is said once more."""
        try:
            return parse_file(self._file, _parse_record)
        except UnreadableContent:
            return None

    @contextmanager
    def _changing(self) -> Iterator[SignalRecord | None]:
        """Hold the lock and yield what stands in the file, so that no other process changes it in between."""
        with hold_lock(self._file.with_name(LOCK_FILE)):
            try:
                record = parse_file(self._file, _parse_record)
            except UnreadableContent as error:
                quarantine_file(self._file, str(error))
                record = None
            yield record

    def _settle(self, entry: SpoolEntry, noted: Callable[[SignalRecord], SignalRecord]) -> None:
        with self._changing() as found:
            record = found or SignalRecord(entry.key, resource=entry.resource_key)
            if _concerns(record, entry):  # otherwise a newer handle has taken its place
                newer = record.pending is not None and _dumped_entry(record.pending) != _dumped_entry(entry)
                pending = record.pending if newer else None
                self._write(replace(noted(record), pending=pending))

    def _write(self, record: SignalRecord) -> None:
        atomic_file.write_file(self._file, json.dumps(_dumped(record)).encode())

    def _said(self, entry: SpoolEntry, why: str = "") -> DeliveryRecord:
        at = self._today().isoformat(timespec="seconds")
        return DeliveryRecord(entry.outcome, at, why, handles.find_transport(entry.handle))


def _concerns(record: SignalRecord, entry: SpoolEntry) -> bool:
    return record.key == entry.key or record.resource == entry.resource_key


def _dumped(record: SignalRecord) -> dict[str, object]:
    return {
        "version": VERSION,
        "key": record.key,
        "resource": record.resource,
        "pending": None if record.pending is None else _dumped_entry(record.pending),
        "accepted": None if record.accepted is None else _dumped_said(record.accepted),
        "given_up": None if record.given_up is None else _dumped_said(record.given_up),
    }


def _dumped_entry(entry: SpoolEntry) -> dict[str, object]:
    kind = "hot" if isinstance(entry.handle, HotHandle) else "cfn"
    handle = {"kind": kind, "text": handles.reveal_handle(entry.handle)}
    return {"handle": handle, "unique_id": entry.unique_id, "outcome": _dumped_outcome(entry.outcome)}


def _dumped_said(said: DeliveryRecord) -> dict[str, object]:
    by = None if said.transport is None else said.transport.value
    return {"outcome": _dumped_outcome(said.outcome), "at": said.at, "why": said.reason, "by": by}


def _dumped_outcome(outcome: SignalOutcome) -> dict[str, object]:
    return {"status": outcome.status.value, "reason": outcome.reason, "data": truncate_data(outcome.data)}


def _parse_record(content: bytes) -> SignalRecord:
    data = parse_object(content, VERSION)
    try:
        record = SignalRecord(
            key=get_text(data, "key"),
            pending=None if data["pending"] is None else _entry(get_object(data, "pending")),
            accepted=None if data["accepted"] is None else _said(get_object(data, "accepted")),
            given_up=None if data["given_up"] is None else _said(get_object(data, "given_up")),
            resource=get_text(data, "resource", ""),  # the first versions kept none
        )
    except UnreadableContent:
        raise
    except (KeyError, ValueError):
        raise UnreadableContent("not what is said to a handle") from None
    if record.pending is not None and record.pending.key != record.key:
        raise UnreadableContent("a pending signal of another handle")
    return record


def _entry(data: Mapping[str, object]) -> SpoolEntry:
    kept = get_object(data, "handle")
    text = get_text(kept, "text")
    text.encode()  # ValueError if it cannot be sent
    handle = HotHandle(Secret(text)) if get_text(kept, "kind") == "hot" else CfnHandle(Secret(text))
    unique_id = get_text(data, "unique_id")
    unique_id.encode()
    return SpoolEntry(handle, unique_id, _outcome(get_object(data, "outcome")))


def _said(data: Mapping[str, object]) -> DeliveryRecord:
    by = data.get("by")  # the first version had one transport, and did not name it
    outcome = _outcome(get_object(data, "outcome"))
    return DeliveryRecord(
        outcome, get_text(data, "at"), get_text(data, "why"), None if by is None else SignalTransport(by)
    )


def _outcome(data: Mapping[str, object]) -> SignalOutcome:
    return SignalOutcome(
        SignalStatus(get_text(data, "status")), get_text(data, "reason"), get_object(data, "data")
    )
