"""Stacks and their resources: the state that the engine changes and the APIs show."""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone

from guestagent.embedded.template.document import Definition, Template

INIT, CREATE, UPDATE, DELETE, ROLLBACK = "INIT", "CREATE", "UPDATE", "DELETE", "ROLLBACK"
IN_PROGRESS, COMPLETE, FAILED = "IN_PROGRESS", "COMPLETE", "FAILED"
MOST_EVENTS = 2000


def now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(timezone.utc)


def new_id() -> str:
    """A random id, as OpenStack has them."""
    return str(uuid.uuid4())


@dataclass(slots=True, eq=False)
class Resource:
    """One resource of a stack. A replacement is a new Resource under the same name."""

    definition: Definition
    id: str = field(default_factory=new_id)
    properties: dict[str, object] = field(default_factory=dict)  # resolved
    declared: dict[str, object] = field(default_factory=dict)  # the template's Metadata, resolved
    metadata: dict[str, object] = field(default_factory=dict)  # what is served; of a handle: its signals
    needs: frozenset[str] = frozenset()  # ids, as they were when it was made or changed
    physical_id: str = ""
    data: dict[str, str] = field(default_factory=dict, repr=False)  # what a type keeps; may be secret
    action: str = INIT
    status: str = COMPLETE
    reason: str = ""
    created: datetime = field(default_factory=now)
    updated: datetime | None = None
    touched: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def name(self) -> str:
        return self.definition.name

    @property
    def type(self) -> str:
        return self.definition.type

    @property
    def gone(self) -> bool:
        """Whether it is shown only because the operation that removed it goes on."""
        return (self.action, self.status) == (DELETE, COMPLETE)

    def write(self, metadata: dict[str, object]) -> None:
        """New metadata, and everyone who waits for it is woken."""
        self.metadata = metadata
        woken, self.touched = self.touched, asyncio.Event()
        woken.set()


@dataclass(frozen=True, slots=True)
class Event:
    id: str
    at: datetime
    resource: str
    physical_id: str
    status: str
    reason: str
    type: str
    properties: Mapping[str, object] = field(repr=False)


@dataclass(slots=True, eq=False)
class Stack:
    """`resources` are the current ones by name, `leaving` those that were replaced and not deleted yet."""

    name: str
    project: str
    template: Template
    parameters: Mapping[str, object] = field(default_factory=dict)
    given: Mapping[str, object] = field(default_factory=dict)  # of the parameters, what is not a default
    timeout_mins: float | None = None
    disable_rollback: bool = True
    tags: tuple[str, ...] = ()
    id: str = field(default_factory=new_id)
    user_project: str = field(default_factory=lambda: uuid.uuid4().hex)  # where the users of its guests are
    action: str = CREATE
    status: str = IN_PROGRESS
    reason: str = ""
    created: datetime = field(default_factory=now)
    updated: datetime | None = None
    deleted: datetime | None = None
    resources: dict[str, Resource] = field(default_factory=dict)
    leaving: list[Resource] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    orphaned: bool = False  # its engine dies: what is under way ends, and nothing is noted of it
    operation: asyncio.Task[None] | None = field(default=None, repr=False)
    running: set[asyncio.Task[str | None]] = field(default_factory=set, repr=False)
    locks: defaultdict[str, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock), repr=False
    )

    @property
    def state(self) -> str:
        return f"{self.action}_{self.status}"

    @property
    def arn(self) -> str:
        return f"arn:openstack:heat::{self.project}:stacks/{self.name}/{self.id}"

    def enter(self, action: str, status: str, reason: str) -> None:
        """The stack's new state, and the event that tells of it."""
        if self.orphaned:
            return
        self.action, self.status, self.reason = action, status, reason
        self._tell(self.name, self.id, self.state, reason, "OS::Heat::Stack", {})

    def record(self, resource: Resource, action: str, status: str, reason: str = "state changed") -> None:
        """The resource's new state, and the event that tells of it."""
        if self.orphaned:
            return
        resource.action, resource.status, resource.reason = action, status, reason
        if action == UPDATE:
            resource.updated = now()
        self._tell_of(resource, f"{action}_{status}", reason)

    def signalled(self, resource: Resource, said: str) -> None:
        """A signal leaves an event, and no other trace in the resource's state."""
        self._tell_of(resource, f"SIGNAL_{resource.status}", said)

    def physical_name(self, resource: Resource) -> str:
        """The name that Heat gives to what stands behind a resource."""
        random_bits = (uuid.UUID(resource.id).time << 4).to_bytes(8, "big")
        short = base64.b32encode(random_bits)[:12].decode().lower()
        return f"{self.name}-{resource.name}-{short}"

    def _tell_of(self, resource: Resource, status: str, reason: str) -> None:
        given = {name: resource.properties.get(name) for name in resource.definition.properties}
        self._tell(resource.name, resource.physical_id, status, reason, resource.type, given)

    def _tell(
        self, name: str, physical_id: str, status: str, reason: str, kind: str, given: Mapping[str, object]
    ) -> None:
        self.events.append(Event(new_id(), now(), name, physical_id, status, reason, kind, given))
        del self.events[:-MOST_EVENTS]
