"""What a cluster of NATIVES should consist of: servers, volumes, ports, groups and rules. No secret. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_network

from guestagent.controller.seed import NodeSeed
from guestagent.metadata.document import DEFAULT_DONOR_PORT, DEFAULT_PORT
from guestagent.resources.following import Admission, FollowedSource
from guestagent.resources.rule import Rule, build_rule

REPLICA_PREFIX = "Slave"
"""How the names of replicas begin; the other instance of a cluster is its source."""
DATABASE_GROUP = "database"
"""The security group that every instance has. It is made and removed with its cluster."""


@dataclass(frozen=True, slots=True)
class WantedVolume:
    """A data volume: its size in GiB, and its type in Cinder (None: the cloud's default)."""

    size_gib: int
    volume_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedInstance:
    """One database server with its volume and port.

    `flavor` is a flavor's name, because Nova shows a server's flavor by its name alone: one that was ordered by its id
    is replaced by its name. `previous_flavor` is the one to return to while a resize has not ended. `image` is a name
    or id. `generation` counts what the node had to prove; `epoch` counts the servers that it has had: a deliberate
    replacement begins the next one. `deadline_s` is the time from the server's creation to its proof, in seconds.
    `server_id` and `password_number` are as in a `Node`. `seed` is how a replica that joins gets its data; None once it
    has joined.
    """

    name: str
    flavor: str
    image: str
    volume: WantedVolume
    server_id: int
    is_source: bool = False
    zone: str | None = None
    generation: int = 1
    epoch: int = 1
    password_number: int = 1
    previous_flavor: str | None = None
    deadline_s: int = 900
    seed: NodeSeed | None = None

    def renewed(self) -> WantedInstance:
        """Return the instance in its next generation, in which it has something new to prove."""
        return replace(self, generation=self.generation + 1)

    def rotated(self) -> WantedInstance:
        """Return the replica with its next password, in its next generation."""
        return replace(self.renewed(), password_number=self.password_number + 1)

    @property
    def proof_deadline_s(self) -> int:
        """The time to its proof with that of its seed."""
        return self.deadline_s + (0 if self.seed is None else self.seed.deadline)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCluster:
    """The resources of one cluster; the source, if it has one, is the first instance.

    `network` is a network's name or id ("": that of `subnet`), `subnet` one of its subnets (None: Neutron chooses).
    `groups` maps the name of each security group to its rules. `key_pair` is the name of an SSH key in Nova. `settings`
    are the keys of the cluster.yaml that concern the databases alone. `key_id` names the key from which its passwords
    and the addresses of its documents are derived. Numbers and server ids are never used twice. `admissions` are the
    clusters that may follow its source. A cluster that has `followed` has no source of its own.

    `is_rotating`: passwords are new, and the source retains the old ones until all nodes have proved theirs.
    `previous_keys`: nodes may still read their documents at addresses that are signed with these.
    """

    name: str
    network: str
    subnet: str | None = None
    key_pair: str | None = None
    instances: tuple[WantedInstance, ...] = ()
    groups: Mapping[str, frozenset[Rule]] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    key_id: str = ""
    previous_keys: tuple[str, ...] = ()
    is_rotating: bool = False
    next_server_id: int
    next_replica: int
    admissions: tuple[Admission, ...] = ()
    followed: FollowedSource | None = None

    def __iter__(self) -> Iterator[WantedInstance]:
        return iter(self.instances)

    def find_instance(self, name: str) -> WantedInstance | None:
        """Return the instance of that name, or None."""
        return next((instance for instance in self.instances if instance.name == name), None)

    @property
    def source(self) -> WantedInstance | None:
        """The source; None while the cluster is deleted, and for one that follows another cluster's source."""
        return next((instance for instance in self.instances if instance.is_source), None)

    def list_rules(self, group: str) -> frozenset[Rule]:
        """Return the rules of a group: the wanted ones, those of followers, and the donor's while a replica joins."""
        rules = self.groups[group]
        if group != DATABASE_GROUP:
            return rules
        networks = (ip_network(each.network) for each in self.admissions)
        rules |= {build_rule(network, port_min=DEFAULT_PORT) for network in networks}
        if all(instance.seed is None for instance in self.instances):
            return rules
        ethertypes = ("IPv4", "IPv6") if self.settings.get("ipv6") else ("IPv4",)
        return rules | {build_rule(None, port_min=DEFAULT_DONOR_PORT, ethertype=each) for each in ethertypes}

    def rotate(self, key_id: str) -> WantedCluster:
        """Return the cluster with new passwords, and with addresses signed with this key.

        A rotation that has not ended goes on with its own passwords and key: a third password would push out the
        oldest one, which a replica may still use.
        """
        if self.is_rotating:
            return replace(self, instances=tuple(each.renewed() for each in self))
        instances = tuple(each.renewed() if each.is_source else each.rotated() for each in self)
        earlier = (*self.previous_keys, self.key_id)
        previous = tuple(dict.fromkeys(each for each in earlier if each != key_id))
        return replace(self, instances=instances, key_id=key_id, previous_keys=previous, is_rotating=True)

    def end_rotation(self) -> WantedCluster:
        """Return the cluster whose source discards the old passwords, in its next generation."""
        instances = tuple(each.renewed() if each.is_source else each for each in self)
        return replace(self, instances=instances, is_rotating=False)

    def replace_instance(self, changed: WantedInstance) -> WantedCluster:
        """Return the cluster with this instance in place of the one of the same name."""
        instances = tuple(changed if each.name == changed.name else each for each in self.instances)
        return replace(self, instances=instances)
