"""The frames of a backup stream: a kind, a length and a payload each, so that its end is unambiguous. Pure.

The replica sends one line, and the donor answers with frames alone.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from guestagent.strict_json import UnreadableContent, parse_object

STREAM_VERSION = 1
LINE_LIMIT = 4096
DATA_LIMIT = 1 << 20
MESSAGE_LIMIT = 1 << 16
HEADER = struct.Struct(">cI")


class FrameKind(Enum):
    """WAIT: a place in the queue. REFUSAL: there is no stream. OFFER: it begins. DATA: a part of it.

    PROGRESS: the bytes of the backup so far, once a second. TRAILER: the end, and whether the stream is whole.
    """

    WAIT = b"W"
    REFUSAL = b"R"
    OFFER = b"O"
    DATA = b"D"
    PROGRESS = b"P"
    TRAILER = b"T"


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame. `payload` is the stream's own bytes in DATA, and a JSON object in all others."""

    kind: FrameKind
    payload: bytes

    def parse(self) -> dict[str, object]:
        """Return the JSON object. Raises UnreadableContent."""
        return parse_object(self.payload)


def build_data_frame(chunk: bytes) -> bytes:
    """Build the bytes of a part of the stream, which has at most DATA_LIMIT bytes."""
    return HEADER.pack(FrameKind.DATA.value, len(chunk)) + chunk


def build_message(kind: FrameKind, content: Mapping[str, object]) -> bytes:
    """Build the bytes of any other frame."""
    payload = json.dumps(content).encode()
    return HEADER.pack(kind.value, len(payload)) + payload


def read_frame(read_exactly: Callable[[int], bytes]) -> Frame:
    """Read a frame. `read_exactly` returns so many bytes. UnreadableContent if these are none of a donor."""
    code, length = HEADER.unpack(read_exactly(HEADER.size))
    try:
        kind = FrameKind(code)
    except ValueError:
        raise UnreadableContent("bytes that are no frame of a backup stream") from None
    if length > (DATA_LIMIT if kind is FrameKind.DATA else MESSAGE_LIMIT):
        raise UnreadableContent("a frame that is too long")
    return Frame(kind, read_exactly(length))
