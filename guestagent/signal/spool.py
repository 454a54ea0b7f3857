"""What is to be said to a handle, and what was said: one file, replaced in one step at every change.

Only the newest handle has a place here: all about an older one goes when a newer one has something to hear.
While a signal is pending the file holds the handle, a credential; once it is accepted or given up, no secret.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from guestagent import durable
from guestagent.metadata.document import CfnHandle, Handle, HotHandle
from guestagent.secret import Secret
from guestagent.signal import handle as handles
from guestagent.signal.handle import Kind
from guestagent.signal.payload import Outcome, Status, fitted_data
from guestagent.signal.transports import utc_now

VERSION = 1
FILE = "signal.json"


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

    StorageError where it cannot be (a full disk); what was there before is then still there.
    """

    def __init__(self, folder: Path, today: Callable[[], datetime] = utc_now) -> None:
        self._file, self._today = folder / FILE, today

    def put(self, entry: Entry) -> None:
        """Keep what is to be said; it replaces what was pending, and all that is known of an older handle."""
        known = self.record()
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
        record = self.record()
        if record is not None and record.pending is not None and _concerns(record, entry):
            self._write(replace(record, pending=None))

    def record(self) -> Record | None:
        """The whole content; None where there is none, or none of this version: then it is said once more."""
        content = durable.read(self._file)
        if content is None:
            return None
        try:
            data = json.loads(content)
            return _record(data) if data["version"] == VERSION else None
        except (ValueError, KeyError, TypeError):
            return None

    def _settle(self, entry: Entry, noted: Callable[[Record], Record]) -> None:
        record = self.record() or Record(entry.key, resource=entry.resource_key)
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


def _record(data: Mapping[str, Any]) -> Record:
    pending, accepted, given_up = data["pending"], data["accepted"], data["given_up"]
    return Record(
        key=str(data["key"]),
        pending=None if pending is None else _entry(pending),
        accepted=None if accepted is None else _said(accepted),
        given_up=None if given_up is None else _said(given_up),
        resource=str(data.get("resource", "")),  # the first versions kept none
    )


def _entry(data: Mapping[str, Any]) -> Entry:
    text = Secret(data["handle"]["text"])
    handle = HotHandle(text) if data["handle"]["kind"] == "hot" else CfnHandle(text)
    return Entry(handle, str(data["unique_id"]), _outcome(data["outcome"]))


def _said(data: Mapping[str, Any]) -> Said:
    by = data.get("by")  # the first version had one transport, and did not name it
    return Said(
        _outcome(data["outcome"]), str(data["at"]), str(data["why"]), None if by is None else Kind(by)
    )


def _outcome(data: Mapping[str, Any]) -> Outcome:
    return Outcome(Status(data["status"]), str(data["reason"]), dict(data["data"]))
