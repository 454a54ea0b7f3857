"""Stacks and their resources: the state that the engine changes and the APIs return."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from guestagent.embedded.heat.template.parser import ResourceDefinition, Template
from guestagent.embedded.host.clock import get_utc_time
from guestagent.embedded.host.identifiers import generate_id

INIT, CREATE, UPDATE, DELETE, ROLLBACK = "INIT", "CREATE", "UPDATE", "DELETE", "ROLLBACK"
CHECK = "CHECK"
IN_PROGRESS, COMPLETE, FAILED = "IN_PROGRESS", "COMPLETE", "FAILED"
EVENT_LIMIT = 2000


@dataclass(slots=True, eq=False)
class StackResource:
    """One resource of a stack. A replacement is a new object under the same name."""

    definition: ResourceDefinition
    id: str = field(default_factory=generate_id)
    properties: dict[str, object] = field(default_factory=dict)  # resolved
    template_metadata: dict[str, object] = field(default_factory=dict)  # the template's Metadata, resolved
    metadata: dict[str, object] = field(
        default_factory=dict
    )  # what the APIs return; of a handle: its signals
    dependencies: frozenset[str] = frozenset()  # ids, as they were when it was made or changed
    physical_id: str = ""
    data: dict[str, str] = field(default_factory=dict, repr=False)  # what a type keeps; may be secret
    action: str = INIT
    status: str = COMPLETE
    reason: str = ""
    created_at: datetime = field(default_factory=get_utc_time)
    updated_at: datetime | None = None
    change_event: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def type(self) -> str:
        return self.definition.type

    @property
    def is_deleted(self) -> bool:
        """Whether it is shown only because the operation that removed it is still in progress."""
        return (self.action, self.status) == (DELETE, COMPLETE)

    def write_metadata(self, metadata: dict[str, object]) -> None:
        """Replace the metadata, and wake every task that waits for it."""
        self.metadata = metadata
        old_event, self.change_event = self.change_event, asyncio.Event()
        old_event.set()


@dataclass(frozen=True, slots=True)
class StackEvent:
    id: str
    time: datetime
    resource: str
    physical_id: str
    status: str
    reason: str
    type: str
    properties: Mapping[str, object] = field(repr=False)


@dataclass(slots=True, eq=False)
class HeatStack:
    """`resources` are the current ones by name, `replaced_resources` those that are still to be deleted."""

    name: str
    project: str
    template: Template
    parameters: Mapping[str, object] = field(default_factory=dict)
    input_parameters: Mapping[str, object] = field(default_factory=dict)  # without defaults
    timeout_mins: float | None = None
    disable_rollback: bool = True
    tags: tuple[str, ...] = ()
    id: str = field(default_factory=generate_id)
    user_project: str = field(default_factory=lambda: uuid.uuid4().hex)  # where the users of its guests are
    action: str = CREATE
    status: str = IN_PROGRESS
    reason: str = ""
    created_at: datetime = field(default_factory=get_utc_time)
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    resources: dict[str, StackResource] = field(default_factory=dict)
    replaced_resources: list[StackResource] = field(default_factory=list)
    events: list[StackEvent] = field(default_factory=list)
    is_orphaned: bool = False  # its engine is killed: operations end, and nothing of them is recorded
    operation_task: asyncio.Task[None] | None = field(default=None, repr=False)
    resource_tasks: set[asyncio.Task[str | None]] = field(default_factory=set, repr=False)
    locks: defaultdict[str, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock), repr=False
    )

    @property
    def state(self) -> str:
        return f"{self.action}_{self.status}"

    @property
    def arn(self) -> str:
        return f"arn:openstack:heat::{self.project}:stacks/{self.name}/{self.id}"

    def set_state(self, action: str, status: str, reason: str) -> None:
        """Set the stack's state and record an event."""
        if self.is_orphaned:
            return
        self.action, self.status, self.reason = action, status, reason
        self._record_event(self.name, self.id, self.state, reason, "OS::Heat::Stack", {})

    def set_resource_state(
        self, resource: StackResource, action: str, status: str, reason: str = "state changed"
    ) -> None:
        """Set the resource's state and record an event."""
        if self.is_orphaned:
            return
        resource.action, resource.status, resource.reason = action, status, reason
        if action == UPDATE:
            resource.updated_at = get_utc_time()
        self._record_resource_event(resource, f"{action}_{status}", reason)

    def record_signal(self, resource: StackResource, message: str) -> None:
        """Record an event for a signal. The resource's state stays as it is."""
        self._record_resource_event(resource, f"SIGNAL_{resource.status}", message)

    def build_physical_name(self, resource: StackResource) -> str:
        """Build the name that Heat gives to the object behind a resource."""
        random_bits = (uuid.UUID(resource.id).time << 4).to_bytes(8, "big")
        suffix = base64.b32encode(random_bits)[:12].decode().lower()
        return f"{self.name}-{resource.name}-{suffix}"

    def _record_resource_event(self, resource: StackResource, status: str, reason: str) -> None:
        properties = {name: resource.properties.get(name) for name in resource.definition.properties}
        self._record_event(resource.name, resource.physical_id, status, reason, resource.type, properties)

    def _record_event(
        self,
        name: str,
        physical_id: str,
        status: str,
        reason: str,
        type_name: str,
        properties: Mapping[str, object],
    ) -> None:
        self.events.append(
            StackEvent(
                generate_id(), get_utc_time(), name, physical_id, status, reason, type_name, properties
            )
        )
        del self.events[:-EVENT_LIMIT]
