"""The files of a seed, in the `seed` folder of the agent's state: the agent's request and the worker's state."""

from __future__ import annotations

import json
from pathlib import Path

from guestagent import atomic_file
from guestagent.seeding.request import SeedRequest, parse_request
from guestagent.seeding.state import SeedState, parse_state
from guestagent.strict_json import parse_object
from guestagent.unreadable_file import parse_file

FOLDER = "seed"
REQUEST_FILE = "request.json"
STATE_FILE = "state.json"
LOCK_FILE = "lock"
VERSION = 1


class SeedFiles:
    """Reads and writes both files. Reading raises UnreadableContent or StorageError, writing StorageError."""

    def __init__(self, state_folder: Path) -> None:
        self.folder = state_folder / FOLDER

    @property
    def lock(self) -> Path:
        return self.folder / LOCK_FILE

    def read_request(self) -> SeedRequest | None:
        """Read the request; None if no seed is wanted."""
        return parse_file(
            self.folder / REQUEST_FILE, lambda content: parse_request(parse_object(content, VERSION))
        )

    def write_request(self, request: SeedRequest) -> None:
        """Write the request: a worker starts as soon as the file is there, and again until it is removed."""
        self._write(REQUEST_FILE, request.as_json())

    def remove_request(self) -> None:
        """Remove the request: the seed has ended, or is not wanted any more. A worker that runs stops."""
        atomic_file.remove_file(self.folder / REQUEST_FILE)

    def has_request(self, seed_id: str) -> bool:
        """Return whether this seed is still wanted."""
        request = self.read_request()
        return request is not None and request.id == seed_id

    def read_state(self) -> SeedState | None:
        """Read the state of the newest seed; None if there was none."""
        return parse_file(
            self.folder / STATE_FILE, lambda content: parse_state(parse_object(content, VERSION))
        )

    def write_state(self, state: SeedState) -> None:
        self._write(STATE_FILE, state.as_json())

    def _write(self, name: str, content: dict[str, object]) -> None:
        text = json.dumps({"version": VERSION, **content})
        atomic_file.write_file(self.folder / name, text.encode())
