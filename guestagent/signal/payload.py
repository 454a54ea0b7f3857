"""The content of a signal, and its format for each kind of handle. Pure.

The body is always valid: Heat answers an invalid one with 500 for ever, as if Heat itself were broken.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from guestagent.metadata.document import Handle, HotHandle
from guestagent.text_escaping import escape_text

REASON_LENGTH_LIMIT = 1000  # characters; Heat keeps 5000 of a whole stack's reasons
DATA_SIZE_LIMIT = (
    16 * 1024
)  # bytes as JSON; the handle accepts 1 MiB, but stores the data of all signals in one row


class SignalStatus(str, Enum):
    """The two statuses of a wait condition's signals."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class SignalOutcome:
    """The outcome to signal: a reason for a person, and data (evidence) for a program. Neither contains secrets."""

    status: SignalStatus
    reason: str
    data: Mapping[str, object] = field(default_factory=dict)


def is_worth_sending(accepted: SignalOutcome | None, outcome: SignalOutcome) -> bool:
    """Whether to send the outcome to a handle that has accepted another one.

    Never a FAILURE after a SUCCESS: Heat would keep it and fail the next update. A SUCCESS after a FAILURE repairs
    exactly that. A second FAILURE changes nothing: the first one has ended the wait.
    """
    return accepted is None or (
        accepted.status is SignalStatus.FAILURE and outcome.status is SignalStatus.SUCCESS
    )


def build_body(handle: Handle, unique_id: str, outcome: SignalOutcome) -> bytes:
    """Return the request body: with CloudFormation's keys for a URL, with Heat's for a HOT handle's document."""
    reason, data = truncate_reason(outcome.reason), truncate_data(outcome.data)
    if isinstance(handle, HotHandle):
        body = {"status": str(outcome.status), "reason": reason, "id": unique_id, "data": data}
    else:
        body = {"Status": str(outcome.status), "Reason": reason, "UniqueId": unique_id, "Data": data}
    return json.dumps(body).encode()


def truncate_reason(reason: str) -> str:
    """Return one line of at most REASON_LENGTH_LIMIT characters that every database of Heat can store."""
    line = " ".join(_clean_text(escape_text(reason)).split())
    return line if len(line) <= REASON_LENGTH_LIMIT else line[: REASON_LENGTH_LIMIT - 1] + "…"


def truncate_data(data: Mapping[str, object]) -> dict[str, object]:
    """Return the data as plain JSON of at most DATA_SIZE_LIMIT bytes. If it is longer, the longest values go."""
    plain = {_clean_text(str(key)): _convert_value(value) for key, value in data.items()}
    lengths = {key: len(json.dumps(value)) for key, value in plain.items()}
    length = len(json.dumps(plain))
    for key in sorted(lengths, key=lambda key: -lengths[key]):
        if length <= DATA_SIZE_LIMIT:
            return plain
        plain[key] = f"left out: {lengths[key]} characters"
        length += len(json.dumps(plain[key])) - lengths[key]
    return plain if length <= DATA_SIZE_LIMIT else {"left_out": f"{len(plain)} keys"}


def _convert_value(value: object) -> object:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_clean_text(str(key)): _convert_value(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_convert_value(child) for child in value]
    return _clean_text(str(value))


def _clean_text(text: str) -> str:
    """Replace control characters, lone surrogates and characters beyond the BMP.

    A utf8mb3 column rejects the last, and Heat would answer the signal with 500 for ever.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if _is_storable(character) else "?" for character in text)


def _is_storable(character: str) -> bool:
    code = ord(character)
    return (code >= 0x20 or character in "\t\n\r") and code <= 0xFFFF and not 0xD800 <= code <= 0xDFFF
