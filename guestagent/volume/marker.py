"""The marker: it names the volume, its cluster and its node. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from guestagent.strict_json import UnreadableContent, get_text


@dataclass(frozen=True, slots=True)
class Marker:
    """Which volume this is, and whose. `cluster` and `node` are "" until they are known.

    `has_data`: the data directory on the volume is complete.
    """

    volume_id: str
    cluster: str = ""
    node: str = ""
    has_data: bool = False

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def parse_marker(data: dict[str, object]) -> Marker:
    """Build a marker from its JSON object. Raises UnreadableContent."""
    has_data = data.get("has_data")
    if not isinstance(has_data, bool):
        raise UnreadableContent("has_data is not a boolean")
    return Marker(get_text(data, "volume_id"), get_text(data, "cluster"), get_text(data, "node"), has_data)
