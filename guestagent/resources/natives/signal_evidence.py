"""What the agent of an instance has measured, in the data of its signal. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from guestagent.byte_units import GIB
from guestagent.metadata.limits import SIZE_LIMIT_BYTES
from guestagent.resources.store.records import SignalEntry
from guestagent.strict_json import UnreadableContent, parse_json


def read_evidence(signal: SignalEntry | None) -> Mapping[str, object]:
    """Return the data of a signal. What is no JSON object is shown as a text, under `data`."""
    if signal is None or not signal.data:
        return {}
    try:
        data = parse_json(signal.data)
    except UnreadableContent:
        return {"data": signal.data}
    return data if isinstance(data, dict) else {"data": data}


def read_guest_volume_gib(evidence: Mapping[str, object]) -> float | None:
    """Return the size of the file system that the node has proved to use, in GiB; None if it has said nothing."""
    size = read_guest_volume_bytes(evidence)
    return None if size is None else round(size / GIB, 2)


def read_guest_volume_bytes(evidence: Mapping[str, object]) -> int | None:
    """Return that size in bytes. A number that is no size of a file system is none: guests send what they like."""
    volume = evidence.get("volume")
    size = volume.get("file_system_bytes") if isinstance(volume, Mapping) else None
    if isinstance(size, bool) or not isinstance(size, int):
        return None
    return size if 0 <= size <= SIZE_LIMIT_BYTES else None
