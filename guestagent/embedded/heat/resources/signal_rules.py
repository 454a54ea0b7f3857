"""The rules of wait conditions and their handles, as measured on Heat. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from guestagent.embedded.http.errors import ResourceFailure

SIGNAL_STATUSES = frozenset({"SUCCESS", "FAILURE"})

Signals = Mapping[str, Mapping[str, object]]  # by id, what came with it


@dataclass(frozen=True, slots=True)
class SignalKeys:
    """What a kind of handle calls the parts of a signal. `lenient`: every one of them may be left out."""

    status: str
    reason: str
    id: str
    data: str
    is_lenient: bool = False

    @property
    def names(self) -> frozenset[str]:
        return frozenset({self.status, self.reason, self.id, self.data})


CFN_SIGNAL_KEYS = SignalKeys("Status", "Reason", "UniqueId", "Data")
HOT_SIGNAL_KEYS = SignalKeys("status", "reason", "id", "data", is_lenient=True)


@dataclass(frozen=True, slots=True)
class ConditionPending:
    """Not enough yet."""


@dataclass(frozen=True, slots=True)
class ConditionMet:
    """Enough SUCCESS, and no FAILURE."""


@dataclass(frozen=True, slots=True)
class ConditionFailed:
    reason: str


ConditionOutcome = ConditionPending | ConditionMet | ConditionFailed


@dataclass(frozen=True, slots=True)
class AcceptedSignal:
    """A handle's signals with a new one in them, and what the stack's event says of it."""

    signals: dict[str, Mapping[str, object]]
    message: str


def accept_signal(body: object, signals: Signals, spelling: SignalKeys) -> AcceptedSignal:
    """The handle's signals and a new one; ValueError for whatever Heat does not take.

    An id that is known already is overwritten, and so counts once.
    """
    sent = _complete(body, len(signals) + 1, spelling) if spelling.is_lenient else body
    if (
        not isinstance(sent, dict)
        or set(sent) != spelling.names
        or sent[spelling.status] not in SIGNAL_STATUSES
    ):
        raise ValueError("Metadata format invalid")
    entry = {key: sent[key] for key in sorted(spelling.names - {spelling.id})}
    said = f"Signal: status:{sent[spelling.status]} reason:{sent[spelling.reason]}"
    return AcceptedSignal({**signals, str(sent[spelling.id]): entry}, said)


def evaluate_condition(signals: Signals, count: int, spelling: SignalKeys) -> ConditionOutcome:
    """One FAILURE decides at once, whatever else has come."""
    failures = _reasons(signals, spelling, "FAILURE")
    if failures:
        return ConditionFailed(_told(failures))
    return ConditionMet() if len(signals) >= count else ConditionPending()


def build_timeout_error(signals: Signals, count: int, spelling: SignalKeys) -> ResourceFailure:
    """What a condition says when its time is over."""
    reasons = _reasons(signals, spelling, "SUCCESS")
    said = f"{len(reasons)} of {count} received"
    return ResourceFailure("WaitConditionTimeout", f"{said} - {_told(reasons)}" if reasons else said)


def format_data(signals: Signals, spelling: SignalKeys) -> str:
    """The condition's data attribute: every signal's data by its id, late ones too, as JSON text."""
    return json.dumps({unique: signal[spelling.data] for unique, signal in signals.items()})


def _complete(body: object, number: int, spelling: SignalKeys) -> object:
    """Nothing at all is a SUCCESS; ids count from 1 where none are given."""
    if body and not isinstance(body, dict):
        return body
    defaults = {
        spelling.reason: f"Signal {number} received",
        spelling.data: None,
        spelling.id: number,
        spelling.status: "SUCCESS",
    }
    return {**defaults, **(body if isinstance(body, dict) else {})}


def _reasons(signals: Signals, spelling: SignalKeys, status: str) -> list[object]:
    return [signal[spelling.reason] for signal in signals.values() if signal[spelling.status] == status]


def _told(reasons: list[object]) -> str:
    try:
        return ";".join(cast(list[str], reasons))
    except TypeError as error:  # Heat takes any reason with the signal, and stumbles over it here
        raise ResourceFailure("TypeError", str(error)) from None
