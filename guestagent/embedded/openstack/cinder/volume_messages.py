"""The messages of Cinder, which tell a user why an operation of a volume failed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from guestagent.embedded.host.clock import get_utc_time
from guestagent.embedded.host.identifiers import generate_id
from guestagent.embedded.http.request_ids import get_request_id

CREATE_MESSAGE = "create volume from backend storage:Driver failed to create the volume."
SCHEDULE_MESSAGE = "schedule allocate volume:Could not find any available weighted backend."
EXTEND_MESSAGE = "extend volume:Volume Driver failed to extend volume."
NO_ROOM_MESSAGE = "extend volume:Could not find any available weighted backend."
NOTIFY_MESSAGE = "extend volume:Compute service failed to extend volume."
"""Cinder's detail NOTIFY_COMPUTE_SERVICE_FAILED: the volume has its new size."""
EVENT_IDS: Mapping[str, str] = {
    CREATE_MESSAGE: "VOLUME_VOLUME_008_012",
    SCHEDULE_MESSAGE: "VOLUME_VOLUME_001_003",
    EXTEND_MESSAGE: "VOLUME_VOLUME_007_010",
    NO_ROOM_MESSAGE: "VOLUME_VOLUME_007_003",
    NOTIFY_MESSAGE: "VOLUME_VOLUME_007_009",
}
LIFETIME = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class VolumeMessage:
    """Why an operation of a volume failed. `reason` is what this imitation adds to Cinder's own words.

    `request_id` is that of the request which has begun the operation.
    """

    event: str
    reason: str = ""
    id: str = field(default_factory=generate_id)
    request_id: str = field(default_factory=get_request_id)
    created: datetime = field(default_factory=get_utc_time)

    @property
    def text(self) -> str:
        return f"{self.event} {self.reason}".strip()

    @property
    def event_id(self) -> str:
        return EVENT_IDS[self.event]

    @property
    def expires(self) -> datetime:
        return self.created + LIFETIME
