"""The result of the volume's unit: what the agent and `guestagent volume show` report. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from guestagent.errors import InvalidMetadata
from guestagent.metadata.server_metadata import (
    VolumeDeclaration,
    format_volume_declaration,
    parse_volume_declaration,
)
from guestagent.strict_json import UnreadableContent, get_number, get_text, parse_json
from guestagent.volume.marker import Marker, parse_marker


class VolumeResult(str, Enum):
    """NONE: the server has no data volume. RUNNING: the unit is at work, or was killed."""

    NONE = "none"
    RUNNING = "running"
    MOUNTED = "mounted"
    FAILED = "failed"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class VolumeState:
    """The result of the unit. `reason` and `advice` explain FAILED, and RUNNING: what it does since when.

    The sizes are in bytes. `growth_error`: why the file system is smaller than its device, "" if it is not.
    `is_formatted`: the file system was made by this run.
    """

    result: VolumeResult
    declaration: VolumeDeclaration | None = None
    reason: str = ""
    advice: str = ""
    device: str = ""
    device_number: str = ""
    device_bytes: int = 0
    file_system_bytes: int = 0
    growth_error: str = ""
    is_formatted: bool = False
    marker: Marker | None = None

    def as_json(self) -> dict[str, object]:
        declaration = self.declaration
        return {
            "result": str(self.result),
            "volume": None if declaration is None else parse_json(format_volume_declaration(declaration)),
            "reason": self.reason,
            "advice": self.advice,
            "device": self.device,
            "device_number": self.device_number,
            "device_bytes": self.device_bytes,
            "file_system_bytes": self.file_system_bytes,
            "growth_error": self.growth_error,
            "is_formatted": self.is_formatted,
            "marker": None if self.marker is None else self.marker.as_json(),
        }


def parse_volume_state(data: Mapping[str, object]) -> VolumeState:
    """Build a state from its JSON object. Raises UnreadableContent."""
    volume, marker = data.get("volume"), data.get("marker")
    try:
        return VolumeState(
            VolumeResult(get_text(data, "result")),
            declaration=None if volume is None else parse_volume_declaration(volume),
            reason=get_text(data, "reason"),
            advice=get_text(data, "advice"),
            device=get_text(data, "device"),
            device_number=get_text(data, "device_number"),
            device_bytes=int(get_number(data, "device_bytes")),
            file_system_bytes=int(get_number(data, "file_system_bytes")),
            growth_error=get_text(data, "growth_error"),
            is_formatted=_get_boolean(data, "is_formatted"),
            marker=parse_marker(marker) if isinstance(marker, dict) else None,
        )
    except (ValueError, InvalidMetadata) as error:
        raise UnreadableContent(str(error)) from error


def _get_boolean(data: Mapping[str, object], name: str) -> bool:
    value = data.get(name)
    if not isinstance(value, bool):
        raise UnreadableContent(f"{name} is not a boolean")
    return value
