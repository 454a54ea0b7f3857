"""Nova, Cinder and Neutron as NATIVES needs them: the values that they return, and the requests. Pure.

Requests that change something are values (`requests.py`); `CloudApi.send` sends one of them once. A lost answer is
never repeated here: the plan looks first what became of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from guestagent.resources.natives.inventory import ProjectInventory
from guestagent.resources.natives.requests import CloudRequest
from guestagent.resources.natives.volume_messages import CloudMessage
from guestagent.resources.rule import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudServer:
    """A server. `status` and `task_state` are Nova's words; `fault` is the message of a server in ERROR."""

    id: str
    name: str
    status: str
    task_state: str | None = None
    flavor: str = ""
    created_at: str = ""
    fault: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    host_hash: str = ""
    image: str = ""
    key_pair: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudVolume:
    """A volume, in GiB. `status` is Cinder's word."""

    id: str
    name: str
    status: str
    size_gib: int
    is_multiattach: bool = False
    volume_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeAttachment:
    """A reservation or an attachment of a volume, with the server that it is for."""

    id: str
    volume_id: str
    server_id: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudPort:
    """A port. `device_id` is the server that has it, or ""."""

    id: str
    name: str
    description: str = ""
    device_id: str = ""
    groups: frozenset[str] = frozenset()
    addresses: tuple[str, ...] = ()
    network: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudGroup:
    """A security group with its rules by id. Rules that no `Rule` can express are in `foreign_rules`."""

    id: str
    name: str
    description: str = ""
    rules: Mapping[str, Rule] = field(default_factory=dict)
    foreign_rules: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudServerGroup:
    """A server group with the ids of its servers. It has no metadata and no description: its name has our mark."""

    id: str
    name: str
    members: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAction:
    """One action on a server, as os-instance-actions lists it. `result` is "Success", "Error", or "" until it ends."""

    action: str
    request_id: str
    started_at: str
    result: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudObservation:
    """The project's resources, listed in a few requests for all clusters together. Our marks tell ours.

    `is_complete` is false if a list left something out (a cell of Nova that is down): absence then proves nothing.
    `has_server_groups` is false if the cloud does not let us see them: then nothing is done about them.
    """

    servers: Mapping[str, CloudServer] = field(default_factory=dict)
    volumes: Mapping[str, CloudVolume] = field(default_factory=dict)
    attachments: tuple[VolumeAttachment, ...] = ()
    ports: Mapping[str, CloudPort] = field(default_factory=dict)
    groups: Mapping[str, CloudGroup] = field(default_factory=dict)
    server_groups: Mapping[str, CloudServerGroup] = field(default_factory=dict)
    is_complete: bool = True
    has_server_groups: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudAnswer:
    """The cloud's answer to a request that changed something.

    `cloud_id` is the id of what was created; `exists` is true if it was there before (a rule).
    """

    cloud_id: str = ""
    request_id: str = ""
    exists: bool = False


class CloudApi(Protocol):
    """The requests. CloudUnreachable: the effect is unknown. CloudRefused: there is none."""

    def observe(self) -> CloudObservation:
        """List everything of ours, now. Raise CloudUnreachable if one of the lists fails: a part decides nothing."""

    def get_server(self, server_id: str) -> CloudServer | None:
        """Return a server by its id; None: 404."""

    def get_volume(self, volume_id: str) -> CloudVolume | None: ...
    def get_port(self, port_id: str) -> CloudPort | None: ...
    def list_actions(self, server_id: str) -> tuple[ServerAction, ...]:
        """List the actions on a server, the newest first. They can be read after its deletion, too."""

    def list_volume_messages(self, volume_id: str) -> tuple[CloudMessage, ...]:
        """List Cinder's messages about a volume, the oldest first; none if the cloud's policy hides them."""

    def read_flavor_name(self, flavor_id: str) -> str | None:
        """Return the name of the flavor with this id; None: none has it, or nobody may know."""

    def read_inventory(self) -> ProjectInventory:
        """Read what the project has room for, and what it has by name."""

    def send(self, request: CloudRequest) -> CloudAnswer:
        """Send a request that changes something, once. Raise CloudRequestRefused if the cloud has rejected it."""
