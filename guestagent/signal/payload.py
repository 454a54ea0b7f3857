"""What a signal says, and how each kind of handle wants it spelled. Pure.

The body is right by construction: Heat answers a wrong one with 500, for ever, as if it were broken itself.
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
DATA_SIZE_LIMIT = 16 * 1024  # bytes as JSON; the handle takes 1 MiB, but keeps every signal's data in one row


class SignalStatus(str, Enum):
    """The two things that a wait condition understands."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class SignalOutcome:
    """What there is to say: `reason` for a person, `data` (evidence) for a program. Neither has secrets."""

    status: SignalStatus
    reason: str
    data: Mapping[str, object] = field(default_factory=dict)


def build_body(handle: Handle, unique_id: str, outcome: SignalOutcome) -> bytes:
    """The request's body: CFN keys for a URL, lower-case ones for a HOT handle's document."""
    reason, data = truncate_reason(outcome.reason), truncate_data(outcome.data)
    if isinstance(handle, HotHandle):
        said = {"status": str(outcome.status), "reason": reason, "id": unique_id, "data": data}
    else:
        said = {"Status": str(outcome.status), "Reason": reason, "UniqueId": unique_id, "Data": data}
    return json.dumps(said).encode()


def truncate_reason(reason: str) -> str:
    """At most MOST_REASON characters on one line, of those that every database behind Heat can store."""
    line = " ".join(_clean(escape_text(reason)).split())
    return line if len(line) <= REASON_LENGTH_LIMIT else line[: REASON_LENGTH_LIMIT - 1] + "…"


def truncate_data(data: Mapping[str, object]) -> dict[str, object]:
    """The data as plain JSON within MOST_DATA; where it is too long, the longest values give way."""
    plain = {_clean(str(key)): _plain(value) for key, value in data.items()}
    lengths = {key: len(json.dumps(value)) for key, value in plain.items()}
    length = len(json.dumps(plain))
    for key in sorted(lengths, key=lambda key: -lengths[key]):
        if length <= DATA_SIZE_LIMIT:
            return plain
        plain[key] = f"left out: {lengths[key]} characters"
        length += len(json.dumps(plain[key])) - lengths[key]
    return plain if length <= DATA_SIZE_LIMIT else {"left_out": f"{len(plain)} keys"}


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_clean(str(key)): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return _clean(str(value))


def _clean(text: str) -> str:
    """Without controls, lone surrogates and characters beyond the BMP: a utf8mb3 column refuses the last,
    and the signal would be answered with 500 for ever.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if _storable(c) else "?" for c in text)


def _storable(character: str) -> bool:
    code = ord(character)
    return (code >= 0x20 or character in "\t\n\r") and code <= 0xFFFF and not 0xD800 <= code <= 0xDFFF
