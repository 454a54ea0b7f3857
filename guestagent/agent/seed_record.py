"""What the journal holds about the newest seed of this replica. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.seeding.state import SeedState
from guestagent.strict_json import UnreadableContent, get_number, get_text


@dataclass(frozen=True, slots=True)
class SeedRecord:
    """The newest seed. `task`: the generation that requested it; `is_reseed`: it replaces data.

    While `is_done` is false, the server's data may be this seed's, half copied, and only this seed may go on with them.
    `method`, `position`, `bytes_done` and `phase_seconds` are of the completed seed. `order`: the id of the order of a
    person that it carries out, "" for none.
    """

    id: str
    task: str
    is_reseed: bool = False
    is_done: bool = False
    method: str = ""
    position: str = ""
    bytes_done: int = 0
    phase_seconds: tuple[tuple[str, float], ...] = ()
    order: str = ""

    def complete(self, state: SeedState) -> SeedRecord:
        """Return the record of the completed seed."""
        return SeedRecord(
            self.id,
            self.task,
            self.is_reseed,
            is_done=True,
            method=str(state.method),
            position=state.position,
            bytes_done=state.bytes_done,
            phase_seconds=tuple(sorted(state.phase_seconds.items())),
            order=self.order,
        )

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "task": self.task,
            "reseed": self.is_reseed,
            "done": self.is_done,
            "method": self.method,
            "position": self.position,
            "bytes": self.bytes_done,
            "seconds": dict(self.phase_seconds),
            "order": self.order,
        }


def parse_seed_record(data: object) -> SeedRecord:
    """Build a record from its JSON object. Raises UnreadableContent."""
    if not isinstance(data, dict) or not isinstance(data.get("seconds"), dict):
        raise UnreadableContent("seed is not an object")
    seconds: Mapping[str, object] = data["seconds"]
    return SeedRecord(
        id=get_text(data, "id"),
        task=get_text(data, "task"),
        is_reseed=data.get("reseed") is True,
        is_done=data.get("done") is True,
        method=get_text(data, "method"),
        position=get_text(data, "position"),
        bytes_done=int(get_number(data, "bytes")),
        phase_seconds=tuple(sorted((name, get_number(seconds, name)) for name in seconds)),
        order=get_text(data, "order") if "order" in data else "",
    )
