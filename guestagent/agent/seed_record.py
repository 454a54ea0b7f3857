"""What the journal holds about the newest seed of this replica. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.seeding.method import SeedMethod
from guestagent.seeding.state import SeedPhase, SeedState
from guestagent.strict_json import UnreadableContent, get_number, get_text


@dataclass(frozen=True, slots=True)
class SeedRecord:
    """The newest seed. `task`: the newest generation that has wanted it; `is_reseed`: it replaces data.

    While `is_done` is false, the server's data may be this seed's, half copied, and only this seed may go on with them.
    `position`, `bytes_done` and `phase_seconds` are of the completed seed. `method` and `data_directory` are "" of a
    seed that is not done in a journal of an earlier version. `order`: the id of the order of a person that it carries
    out, "" for none.
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
    data_directory: str = ""

    def build_lost_state(self) -> SeedState | None:
        """Build a state by which the worker undoes a seed whose own one is lost; None if too little is known of it.

        Its server may be stopped.
        """
        if not self.method or not self.data_directory:
            return None
        return SeedState(self.id, SeedMethod(self.method), self.data_directory, SeedPhase.SWAPPING)

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
            data_directory=state.data_directory,
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
            "data_directory": self.data_directory,
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
        data_directory=get_text(data, "data_directory", ""),
    )
