"""The orders that change something, as values. `order_shapes` reads them from documents and writes them. Pure.

Each has a `request_id` that its caller chooses: with the same id it is the same order, however often it arrives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from typing import ClassVar

from guestagent.resources.rule import Rule


class VolumeFate(str, Enum):
    """What becomes of a data volume when its server is deleted. There is no default: an order says it."""

    KEEP = "keep"
    DELETE = "delete"

    def __str__(self) -> str:
        return self.value


class ResizeFailure(str, Enum):
    """What happens to a resized server that does not prove itself: Nova's old one returns, or the new one stays."""

    REVERT = "revert"
    KEEP = "keep"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What all orders have: the caller's id, and the name of the cluster that they change."""

    kind: ClassVar[str] = ""
    request_id: str
    cluster: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCluster(Order):
    """Create a cluster. `description` is the content of a cluster.yaml."""

    kind: ClassVar[str] = "create_cluster"
    description: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCluster(Order):
    """Delete a cluster: replicas, source, groups."""

    kind: ClassVar[str] = "delete_cluster"
    volumes: VolumeFate


@dataclass(frozen=True, slots=True, kw_only=True)
class AddInstance(Order):
    """Add a replica. `flavor` and `image` are names or ids, `volume_gib` is the size of its data volume."""

    kind: ClassVar[str] = "add_instance"
    flavor: str
    image: str
    volume_gib: int
    volume_type: str | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteInstance(Order):
    """Remove a replica with its server and port."""

    kind: ClassVar[str] = "delete_instance"
    instance: str
    volume: VolumeFate


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceInstance(Order):
    """Give an instance a new server with the same volume and port, in place of one that is broken or gone."""

    kind: ClassVar[str] = "replace_instance"
    instance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResizeInstance(Order):
    """Give an instance another flavor. It is confirmed when the node has proved itself on it."""

    kind: ClassVar[str] = "resize_instance"
    instance: str
    flavor: str
    on_failure: ResizeFailure = ResizeFailure.REVERT


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrateInstance(Order):
    """Move an instance to another host of the cloud's choice. The cloud's policy must allow it."""

    kind: ClassVar[str] = "migrate_instance"
    instance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartInstance(Order):
    """Reboot an instance; `hard` cuts its power."""

    kind: ClassVar[str] = "restart_instance"
    instance: str
    hard: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResizeVolume(Order):
    """Grow the data volume of an instance, online, to `size_gib` GiB."""

    kind: ClassVar[str] = "resize_volume"
    instance: str
    size_gib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateSecurityGroup(Order):
    """Create another security group for all instances of the cluster."""

    kind: ClassVar[str] = "create_security_group"
    group: str
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSecurityGroup(Order):
    """Take a group from all instances and delete it. `database` stays as long as its cluster."""

    kind: ClassVar[str] = "delete_security_group"
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRules(Order):
    """Add rules to a group. A rule that is there already is fine."""

    kind: ClassVar[str] = "create_rules"
    group: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRules(Order):
    """Remove rules from a group."""

    kind: ClassVar[str] = "delete_rules"
    group: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRuleCidr(Order):
    """Give a rule another network. The new rule is in force before the old one goes."""

    kind: ClassVar[str] = "update_rule_cidr"
    group: str
    rule: Rule
    network: IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean(Order):
    """Delete what an audit has found, by the findings' ids. What has changed since is left alone.

    `cluster` is that of the findings. It need not be in the store any more.
    """

    kind: ClassVar[str] = "clean"
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewInstance(Order):
    """Let an instance prove itself again, in its next generation."""

    kind: ClassVar[str] = "renew_instance"
    instance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitFollower(Order):
    """Let the replicas of another cluster, `follower`, replicate from this one's source, from `follower_network`.

    The follower need not exist yet: its creation names the cluster that it follows.
    """

    kind: ClassVar[str] = "admit_follower"
    follower: str
    follower_network: IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeFollower(Order):
    """Take back what AdmitFollower has allowed. The follower must be deleted first."""

    kind: ClassVar[str] = "revoke_follower"
    follower: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RotatePasswords(Order):
    """Give the replicas new passwords, derived from the newest key, and all nodes addresses that it signs.

    Replication goes on: the source accepts the old passwords until every replica has proved its new one.
    """

    kind: ClassVar[str] = "rotate_passwords"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterCluster(Order):
    """Take care of a stack that exists, under its name. Nothing in the cloud is touched."""

    kind: ClassVar[str] = "register_cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnregisterCluster(Order):
    """Forget a cluster that is a stack. Nothing in the cloud is touched."""

    kind: ClassVar[str] = "unregister_cluster"
