"""The files of a seed, in the `seed` folder of the agent's state: the agent's request and the worker's state."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path

from guestagent import atomic_file
from guestagent.seeding.request import SeedRequest, parse_request
from guestagent.seeding.state import SeedState, parse_state
from guestagent.strict_json import UnreadableContent, parse_object
from guestagent.unreadable_file import parse_file

FOLDER = "seed"
REQUEST_FILE = "request.json"
STATE_FILE = "state.json"
LOCK_FILE = "lock"
ORDER_FILE = "reseed.json"
VERSION = 1


class SeedFiles:
    """Reads and writes both files. Reading raises UnreadableContent or StorageError, writing StorageError."""

    def __init__(self, state_folder: Path) -> None:
        self.folder = state_folder / FOLDER

    @property
    def lock(self) -> Path:
        return self.folder / LOCK_FILE

    @property
    def request_path(self) -> Path:
        return self.folder / REQUEST_FILE

    @property
    def state_path(self) -> Path:
        return self.folder / STATE_FILE

    def read_request(self) -> SeedRequest | None:
        """Read the request; None if no seed is wanted."""
        return parse_file(
            self.folder / REQUEST_FILE, lambda content: parse_request(parse_object(content, VERSION))
        )

    def write_request(self, request: SeedRequest) -> None:
        """Write the request: a worker starts as soon as the file is there, and again until it is removed."""
        self._write(REQUEST_FILE, request.as_json())

    def remove_request(self) -> None:
        """Remove the request, because its seed has ended or is not wanted any more. A worker that runs stops."""
        atomic_file.remove_file(self.folder / REQUEST_FILE)

    def forget_state(self) -> None:
        """Remove the state of an earlier seed, so that the same id can begin anew."""
        atomic_file.remove_file(self.folder / STATE_FILE)

    def order_reseed(self, *, discards_data: bool) -> None:
        """Note that a person wants new data on this replica."""
        self._write(ORDER_FILE, {"id": uuid.uuid4().hex, "discard": discards_data})

    def has_reseed_order(self) -> bool:
        return (self.folder / ORDER_FILE).exists()

    def has_discard_order(self) -> bool:
        """Return whether that person does not need the old data meanwhile."""
        order = self._read_order()
        return order is not None and order.get("discard") is True

    def read_order_id(self) -> str:
        """Read the id of that person's order; "" if there is none, or one of an older version."""
        order = self._read_order() or {}
        return str(order.get("id", ""))

    def remove_reseed_order(self) -> None:
        atomic_file.remove_file(self.folder / ORDER_FILE)

    def _read_order(self) -> Mapping[str, object] | None:
        """Read the order; None if there is none. One that is damaged keeps the old data."""
        try:
            return parse_file(self.folder / ORDER_FILE, lambda content: parse_object(content, VERSION))
        except UnreadableContent:
            return {}

    def has_request(self, request: SeedRequest | None) -> bool:
        """Return whether this seed is still wanted, in this way. The agent writes a request that is damaged again."""
        try:
            return self.read_request() == request
        except UnreadableContent:
            return False

    def has_request_of(self, seed_id: str) -> bool:
        """Return whether this seed is requested, in whichever way."""
        try:
            request = self.read_request()
        except UnreadableContent:
            return False
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
