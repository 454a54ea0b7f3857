"""What services answered to reads, so that an outage can answer with the state of an earlier moment."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.types import Message, Send

from guestagent.embedded.http.service_names import ServiceName

READS_LIMIT = 500
"""Reads of each service that are remembered, by path and query."""


@dataclass(slots=True)
class RecordedResponse:
    """The messages of a response."""

    messages: list[Message] = field(default_factory=list)

    @property
    def status(self) -> int:
        return int(next((each["status"] for each in self.messages if "status" in each), 0))

    @property
    def body(self) -> bytes:
        return b"".join(each.get("body", b"") for each in self.messages)

    async def replay(self, send: Send) -> None:
        for message in self.messages:
            await send(message)


class StaleReads:
    """The newest response to each read, and those of the moment when an outage began."""

    def __init__(self) -> None:
        self._newest: dict[ServiceName, OrderedDict[str, RecordedResponse]] = {}
        self._frozen: dict[ServiceName, Mapping[str, RecordedResponse]] = {}
        self._created_ids: dict[ServiceName, set[str]] = {}

    def record_read(self, service: ServiceName, target: str, response: RecordedResponse) -> None:
        """Remember the response to a read. `target` is its path and query."""
        responses = self._newest.setdefault(service, OrderedDict())
        responses[target] = response
        responses.move_to_end(target)
        if len(responses) > READS_LIMIT:
            responses.popitem(last=False)

    def record_creation(self, service: ServiceName, response: RecordedResponse) -> None:
        """Remember what a POST has created since the outage began: a stale read does not find it."""
        self._created_ids.setdefault(service, set()).update(_find_ids(response.body))

    def freeze(self, service: ServiceName) -> None:
        """Begin an outage in which reads show what they have shown until now."""
        self._frozen[service] = dict(self._newest.get(service, {}))
        self._created_ids[service] = set()

    def find_response(self, service: ServiceName, target: str) -> RecordedResponse | None:
        """Return the response that a read had before the outage; None: nobody has sent it then."""
        return self._frozen.get(service, {}).get(target)

    def is_new(self, service: ServiceName, path: str) -> bool:
        """Whether a path leads to what was created since the outage began."""
        return not self._created_ids.get(service, set()).isdisjoint(path.split("/"))


def _find_ids(body: bytes) -> set[str]:
    """Return the id in the answer to a creation: {"server": {"id": ...}}."""
    try:
        document = json.loads(body)
    except ValueError:
        return set()
    values = document.values() if isinstance(document, dict) else ()
    return {str(value["id"]) for value in values if isinstance(value, dict) and "id" in value}
