"""The rules of wait conditions and their handles, as measured on Heat. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from guestagent.embedded.http.errors import ResourceFailure

SIGNAL_STATUSES = frozenset({"SUCCESS", "FAILURE"})

Signals = Mapping[str, Mapping[str, object]]  # the signals' contents by their ids


@dataclass(frozen=True, slots=True)
class SignalKeys:
    """The keys of a signal for a type of handle. `is_lenient`: each of them may be omitted."""

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
    """The handle has too few signals."""


@dataclass(frozen=True, slots=True)
class ConditionMet:
    """The handle has enough SUCCESS signals, and no FAILURE."""


@dataclass(frozen=True, slots=True)
class ConditionFailed:
    reason: str


ConditionOutcome = ConditionPending | ConditionMet | ConditionFailed


@dataclass(frozen=True, slots=True)
class AcceptedSignal:
    """A handle's signals with a new one, and the message of the stack's event."""

    signals: dict[str, Mapping[str, object]]
    message: str


def accept_signal(body: object, signals: Signals, keys: SignalKeys) -> AcceptedSignal:
    """Add a signal to the handle's signals; ValueError if Heat would not accept it.

    A second signal with the same id replaces the first, and so counts once.
    """
    signal = _add_defaults(body, len(signals) + 1, keys) if keys.is_lenient else body
    if (
        not isinstance(signal, dict)
        or set(signal) != keys.names
        or signal[keys.status] not in SIGNAL_STATUSES
    ):
        raise ValueError("Metadata format invalid")
    entry = {key: signal[key] for key in sorted(keys.names - {keys.id})}
    message = f"Signal: status:{signal[keys.status]} reason:{signal[keys.reason]}"
    return AcceptedSignal({**signals, str(signal[keys.id]): entry}, message)


def evaluate_condition(signals: Signals, count: int, keys: SignalKeys) -> ConditionOutcome:
    """Evaluate a condition. One FAILURE fails it at once, whatever other signals there are."""
    failures = _list_reasons(signals, keys, "FAILURE")
    if failures:
        return ConditionFailed(_join_reasons(failures))
    return ConditionMet() if len(signals) >= count else ConditionPending()


def build_timeout_error(signals: Signals, count: int, keys: SignalKeys) -> ResourceFailure:
    """Build the error of a condition that times out."""
    reasons = _list_reasons(signals, keys, "SUCCESS")
    message = f"{len(reasons)} of {count} received"
    return ResourceFailure(
        "WaitConditionTimeout", f"{message} - {_join_reasons(reasons)}" if reasons else message
    )


def format_data(signals: Signals, keys: SignalKeys) -> str:
    """Format the condition's data attribute: every signal's data by its id, late ones too, as JSON text."""
    return json.dumps({unique: signal[keys.data] for unique, signal in signals.items()})


def _add_defaults(body: object, signal_number: int, keys: SignalKeys) -> object:
    """Fill in what a signal omits: an empty one is a SUCCESS, and ids count from 1."""
    if body and not isinstance(body, dict):
        return body
    defaults = {
        keys.reason: f"Signal {signal_number} received",
        keys.data: None,
        keys.id: signal_number,
        keys.status: "SUCCESS",
    }
    return {**defaults, **(body if isinstance(body, dict) else {})}


def _list_reasons(signals: Signals, keys: SignalKeys, status: str) -> list[object]:
    return [signal[keys.reason] for signal in signals.values() if signal[keys.status] == status]


def _join_reasons(reasons: list[object]) -> str:
    try:
        return ";".join(cast(list[str], reasons))
    except TypeError as error:  # Heat accepts a signal with any reason, and fails here
        raise ResourceFailure("TypeError", str(error)) from None
