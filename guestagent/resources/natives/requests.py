"""The requests of NATIVES that change something, as values: the whole list of what it can do to a cloud. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from guestagent.resources.rule import Rule
from guestagent.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateGroup:
    name: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteGroup:
    group_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRule:
    group_id: str
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRule:
    rule_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateServerGroup:
    name: str
    policy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteServerGroup:
    group_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateVolume:
    name: str
    size_gib: int
    volume_type: str | None
    zone: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowVolume:
    volume_id: str
    size_gib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteVolume:
    volume_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAttachment:
    attachment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePort:
    name: str
    description: str
    network: str
    subnet: str | None
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPortGroups:
    port_id: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePort:
    port_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateServer:
    """A server with its data volume in its own request, which reserves the volume: a second server cannot have it."""

    name: str
    flavor: str
    image: str
    port_id: str
    volume_id: str
    zone: str | None
    key_pair: str | None
    server_group: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    user_data: Secret = field(default_factory=lambda: Secret(""))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteServer:
    server_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResizeServer:
    server_id: str
    flavor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmResize:
    server_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertResize:
    server_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrateServer:
    server_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RebootServer:
    server_id: str
    hard: bool


CloudRequest = (
    CreateGroup
    | DeleteGroup
    | CreateRule
    | DeleteRule
    | CreateServerGroup
    | DeleteServerGroup
    | CreateVolume
    | GrowVolume
    | DeleteVolume
    | DeleteAttachment
    | CreatePort
    | SetPortGroups
    | DeletePort
    | CreateServer
    | DeleteServer
    | ResizeServer
    | ConfirmResize
    | RevertResize
    | MigrateServer
    | RebootServer
)
