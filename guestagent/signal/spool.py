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

from guestagent import durable
from guestagent.file_lock import hold_lock
from guestagent.metadata.document import CfnHandle, Handle, HotHandle
from guestagent.secret import Secret
from guestagent.signal import handle as handles
from guestagent.signal.handle import Kind
from guestagent.signal.payload import Outcome, Status, fitted_data
from guestagent.signal.transports import utc_now
from guestagent.strict_json import Unreadable, get_object, get_text, parse_object
from guestagent.unreadable_file import keep_aside, read_file

VERSION = 1
FILE = "signal.json"
LOCK = "signal.lock"
"""`apply` and the resident agent both read the file, change it and write it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to say."""

    handle: Handle
    unique_id: str
    outcome: Outcome

    @property
    def key(self) -> str:
        """Names handle and id without showing either."""
        return handles.key(self.handle, self.unique_id)

    @property
    def resource_key(self) -> str:
        """Names them whatever credentials the handle has."""
        return handles.resource_key(self.handle, self.unique_id)


@dataclass(frozen=True, slots=True)
class Said:
    """What became of an outcome, and when (UTC); `why` it was given up. `by`: the handle's transport, where known."""

    outcome: Outcome
    at: str
    why: str = ""
    by: Kind | None = None

    @property
    def confirmed(self) -> bool:
        """Whether an acceptance proves that the handle took it."""
        return self.by is None or self.by.confirms


@dataclass(frozen=True, slots=True)
class Record:
    """All that is known of one handle, named by its key.

    `resource` is its resource key, "" in a file of a version that did not keep it.
    """

    key: str
    pending: Entry | None = None
    accepted: Said | None = None
    given_up: Said | None = None
    resource: str = ""


class Spool:
    """Survives a kill at any point: every change is on the disk before its call returns.

    StorageError where it cannot be (a full disk); what was there before is then still there. A file that cannot be read
    counts as none, and is kept aside by the next change: what is true now is then reported once more.
    """

    def __init__(self, folder: Path, today: Callable[[], datetime] = utc_now) -> None:
        self._file, self._today = folder / FILE, today

    def put(self, entry: Entry) -> None:
        """Keep what is to be said; it replaces what was pending, and all that is known of an older handle."""
        with self._changing() as known:
            accepted = known.accepted if known is not None and _concerns(known, entry) else None
            self._write(Record(entry.key, entry, accepted, resource=entry.resource_key))

    def pending(self) -> Entry | None:
        """What is still to be said, after a restart for example."""
        record = self.record()
        return None if record is None else record.pending

    def record_of(self, handle: Handle, unique_id: str) -> Record | None:
        """What is known of this handle; None if nothing is.

        What was given up with other credentials than the handle has now is not: it may be taken with these.
        """
        record = self.record()
        if record is None or record.key == handles.key(handle, unique_id):
            return record
        if record.resource == handles.resource_key(handle, unique_id):
            return replace(record, given_up=None)
        return None

    def accepted(self, entry: Entry) -> Outcome | None:
        """What the handle of this entry has taken last, with whatever credentials."""
        record = self.record_of(entry.handle, entry.unique_id)
        return record.accepted.outcome if record and record.accepted else None

    def given_up(self, entry: Entry) -> Said | None:
        """What was given up for the handle of this entry, and why."""
        record = self.record_of(entry.handle, entry.unique_id)
        return record.given_up if record else None

    def accept(self, entry: Entry) -> None:
        """The handle has taken it. What is pending by now, if it is something newer, stays."""
        self._settle(entry, lambda record: replace(record, accepted=self._said(entry)))

    def give_up(self, entry: Entry, why: str) -> None:
        """It will not be said; `why` holds no secret."""
        self._settle(entry, lambda record: replace(record, given_up=self._said(entry, why)))

    def discard(self, entry: Entry) -> None:
        """It need not be said: the handle has taken what says it."""
        with self._changing() as record:
            if record is not None and record.pending is not None and _concerns(record, entry):
                self._write(replace(record, pending=None))

    def record(self) -> Record | None:
        """The whole content; None if there is none, or none that can be read: then it is said once more."""
        try:
            return read_file(self._file, _parse_record)
        except Unreadable:
            return None

    @contextmanager
    def _changing(self) -> Iterator[Record | None]:
        """Hold the lock and yield what stands in the file, so that no other process changes it in between."""
        with hold_lock(self._file.with_name(LOCK)):
            try:
                record = read_file(self._file, _parse_record)
            except Unreadable as error:
                keep_aside(self._file, str(error))
                record = None
            yield record

    def _settle(self, entry: Entry, noted: Callable[[Record], Record]) -> None:
        with self._changing() as found:
            record = found or Record(entry.key, resource=entry.resource_key)
            if _concerns(record, entry):  # otherwise a newer handle has taken its place
                newer = record.pending is not None and _dumped_entry(record.pending) != _dumped_entry(entry)
                pending = record.pending if newer else None
                self._write(replace(noted(record), pending=pending))

    def _write(self, record: Record) -> None:
        durable.write(self._file, json.dumps(_dumped(record)).encode())

    def _said(self, entry: Entry, why: str = "") -> Said:
        at = self._today().isoformat(timespec="seconds")
        return Said(entry.outcome, at, why, handles.kind(entry.handle))


def _concerns(record: Record, entry: Entry) -> bool:
    return record.key == entry.key or record.resource == entry.resource_key


def _dumped(record: Record) -> dict[str, object]:
    return {
        "version": VERSION,
        "key": record.key,
        "resource": record.resource,
        "pending": None if record.pending is None else _dumped_entry(record.pending),
        "accepted": None if record.accepted is None else _dumped_said(record.accepted),
        "given_up": None if record.given_up is None else _dumped_said(record.given_up),
    }


def _dumped_entry(entry: Entry) -> dict[str, object]:
    kind = "hot" if isinstance(entry.handle, HotHandle) else "cfn"
    handle = {"kind": kind, "text": handles.text(entry.handle)}
    return {"handle": handle, "unique_id": entry.unique_id, "outcome": _dumped_outcome(entry.outcome)}


def _dumped_said(said: Said) -> dict[str, object]:
    by = None if said.by is None else said.by.value
    return {"outcome": _dumped_outcome(said.outcome), "at": said.at, "why": said.why, "by": by}


def _dumped_outcome(outcome: Outcome) -> dict[str, object]:
    return {"status": outcome.status.value, "reason": outcome.reason, "data": fitted_data(outcome.data)}


def _parse_record(content: bytes) -> Record:
    data = parse_object(content, VERSION)
    try:
        record = Record(
            key=get_text(data, "key"),
            pending=None if data["pending"] is None else _entry(get_object(data, "pending")),
            accepted=None if data["accepted"] is None else _said(get_object(data, "accepted")),
            given_up=None if data["given_up"] is None else _said(get_object(data, "given_up")),
            resource=get_text(data, "resource", ""),  # the first versions kept none
        )
    except Unreadable:
        raise
    except (KeyError, ValueError):
        raise Unreadable("not what is said to a handle") from None
    if record.pending is not None and record.pending.key != record.key:
        raise Unreadable("a pending signal of another handle")
    return record


def _entry(data: Mapping[str, object]) -> Entry:
    kept = get_object(data, "handle")
    text = get_text(kept, "text")
    text.encode()  # ValueError if it cannot be sent
    handle = HotHandle(Secret(text)) if get_text(kept, "kind") == "hot" else CfnHandle(Secret(text))
    unique_id = get_text(data, "unique_id")
    unique_id.encode()
    return Entry(handle, unique_id, _outcome(get_object(data, "outcome")))


def _said(data: Mapping[str, object]) -> Said:
    by = data.get("by")  # the first version had one transport, and did not name it
    outcome = _outcome(get_object(data, "outcome"))
    return Said(outcome, get_text(data, "at"), get_text(data, "why"), None if by is None else Kind(by))


def _outcome(data: Mapping[str, object]) -> Outcome:
    return Outcome(Status(get_text(data, "status")), get_text(data, "reason"), get_object(data, "data"))
