"""The state of the fake cloud: what a project contains, and what happens there of itself with each tick."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import count

from guestagent.errors import CloudRequestRefused
from guestagent.resources.natives.volume_messages import CloudMessage
from guestagent.resources.operation import RefusalCode
from guestagent.resources.rule import Rule


@dataclass(slots=True)
class FakeLimits:
    """The quotas, and what the hosts behind can do. A failing thing fails each time until it is set back."""

    servers: int = 100
    volumes: int = 100
    gibibytes: int = 10_000
    ports: int = 100
    groups: int = 100
    server_groups: int = 10
    server_group_members: int = 10
    rules: int = 100
    has_host: bool = True
    has_other_host: bool = True
    has_backend: bool = True
    has_server_groups: bool = True
    has_messages: bool = True
    confirms_resizes: bool = False
    fails_spawn: bool = False
    fails_resize: bool = False
    fails_reboot: bool = False
    fails_volume_growth: bool = False
    fails_disk_growth: bool = False
    fails_volume_deletion: bool = False


@dataclass(slots=True)
class FakeServer:
    """A server. `upcoming` are the states that it goes through; `outcome` is what happens after the last."""

    id: str
    name: str
    flavor: str
    port_id: str
    volume_id: str
    created_at: str
    metadata: dict[str, str]
    user_data: str
    status: str = "BUILD"
    task_state: str | None = "scheduling"
    fault: str = ""
    host: str = ""
    former_flavor: str = ""
    is_locked: bool = False
    upcoming: deque[tuple[str, str | None]] = field(default_factory=deque)
    outcome: str = ""
    is_being_deleted: bool = False
    image: str = ""
    key_pair: str | None = None


@dataclass(slots=True)
class FakeVolume:
    """A volume. `countdown` ticks are left to the end of what it is doing, by the request `request_id`."""

    id: str
    name: str
    size_gib: int
    metadata: dict[str, str]
    status: str = "creating"
    countdown: int = 2
    wanted_gib: int = 0
    request_id: str = ""
    is_multiattach: bool = False
    volume_type: str | None = None


@dataclass(slots=True)
class FakeAttachment:
    """A reservation (`reserved`) or an attachment of a volume."""

    id: str
    volume_id: str
    server_id: str
    status: str = "reserved"


@dataclass(slots=True)
class FakePort:
    """A port of ours, or of a stranger if it has no description."""

    id: str
    name: str
    description: str
    network: str
    groups: set[str]
    device_id: str = ""


@dataclass(slots=True)
class FakeGroup:
    """A security group with its rules by id."""

    id: str
    name: str
    description: str
    rules: dict[str, Rule] = field(default_factory=dict)


@dataclass(slots=True)
class FakeServerGroup:
    """A server group. Its members are the servers that were created with it as a hint."""

    id: str
    name: str
    policy: str
    members: set[str] = field(default_factory=set)


@dataclass(slots=True)
class FakeAction:
    """One of a server's actions, which are kept when it is gone."""

    action: str
    request_id: str
    started_at: str
    result: str = ""
    message: str = ""


@dataclass(slots=True)
class FakeProject:
    """All resources by id, and the actions of each server that there ever was, the newest first."""

    limits: FakeLimits = field(default_factory=FakeLimits)
    servers: dict[str, FakeServer] = field(default_factory=dict)
    volumes: dict[str, FakeVolume] = field(default_factory=dict)
    attachments: dict[str, FakeAttachment] = field(default_factory=dict)
    ports: dict[str, FakePort] = field(default_factory=dict)
    groups: dict[str, FakeGroup] = field(default_factory=dict)
    server_groups: dict[str, FakeServerGroup] = field(default_factory=dict)
    actions: dict[str, list[FakeAction]] = field(default_factory=dict)
    messages: dict[str, list[CloudMessage]] = field(default_factory=dict)
    ticks: int = 0
    numbers: count[int] = field(default_factory=lambda: count(1))

    def build_id(self, kind: str) -> str:
        return f"{kind}-{next(self.numbers)}"

    def list_attachments(self, volume_id: str) -> list[FakeAttachment]:
        return [each for each in self.attachments.values() if each.volume_id == volume_id]

    def begin_action(self, server_id: str, action: str) -> str:
        """Note an action as the API does, before anything is carried out, and return its request id."""
        request_id = self.build_id("req")
        self.actions.setdefault(server_id, []).insert(0, FakeAction(action, request_id, f"{self.ticks:08}"))
        return request_id

    def end_action(self, server_id: str, action: str, result: str, message: str = "") -> None:
        """Note the result of the newest action of this name."""
        for each in self.actions.get(server_id, ()):
            if each.action == action and not each.result:
                each.result, each.message = result, message
                return


def refuse(code: RefusalCode, message: str) -> CloudRequestRefused:
    """Return the answer of a service that rejects a request."""
    return CloudRequestRefused(message, code)
