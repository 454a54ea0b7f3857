"""The rules of wait conditions and their handles, as measured on Heat. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.embedded.refusals import ResourceFailure

KEYS = frozenset({"Status", "Reason", "UniqueId", "Data"})
STATUSES = frozenset({"SUCCESS", "FAILURE"})

Signals = Mapping[str, Mapping[str, object]]  # by UniqueId: Status, Reason, Data


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not enough yet."""


@dataclass(frozen=True, slots=True)
class Met:
    """Enough SUCCESS, and no FAILURE."""


@dataclass(frozen=True, slots=True)
class Failed:
    reason: str


Verdict = Waiting | Met | Failed


def accept(body: object, signals: Signals) -> dict[str, Mapping[str, object]]:
    """The handle's signals with a new one in them; ValueError for whatever Heat does not take.

    A UniqueId that is known already is overwritten, and so counts once.
    """
    if not isinstance(body, dict) or set(body) != KEYS or body["Status"] not in STATUSES:
        raise ValueError("Metadata format invalid")
    entry = {key: body[key] for key in ("Data", "Reason", "Status")}
    return {**signals, str(body["UniqueId"]): entry}


def judge(signals: Signals, count: int) -> Verdict:
    """One FAILURE decides at once, whatever else has come."""
    failures = [str(signal["Reason"]) for signal in signals.values() if signal["Status"] != "SUCCESS"]
    if failures:
        return Failed(";".join(failures))
    return Met() if len(signals) >= count else Waiting()


def timed_out(signals: Signals, count: int) -> ResourceFailure:
    """What a condition says when its time is over."""
    reasons = [str(signal["Reason"]) for signal in signals.values() if signal["Status"] == "SUCCESS"]
    said = f"{len(reasons)} of {count} received"
    return ResourceFailure("WaitConditionTimeout", f"{said} - {';'.join(reasons)}" if reasons else said)


def data(signals: Signals) -> str:
    """The condition's attribute `Data`: every signal's data by its UniqueId, late ones too, as JSON text."""
    return json.dumps({unique: signal["Data"] for unique, signal in signals.items()})
