"""What a cluster of NATIVES should consist of: servers, volumes, ports, groups and rules. No secret. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from guestagent.resources.rule import Rule

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

    `flavor` is a flavor's name, because Nova shows a server's flavor by its name alone; `previous_flavor` is the one
    to return to while a resize has not ended. `image` is a name or id. `generation` counts what the node had to prove;
    `epoch` counts the servers that it has had: a deliberate replacement begins the next one. `deadline_s` is the time
    from the server's creation to its proof, in seconds. `server_id` and `password_number` are as in a `Node`.
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

    def renewed(self) -> WantedInstance:
        """Return the instance in its next generation, in which it has something new to prove."""
        return replace(self, generation=self.generation + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCluster:
    """The resources of one cluster; the source is the first instance.

    `network` is a network's name or id ("": that of `subnet`), `subnet` one of its subnets (None: Neutron chooses).
    `groups` maps the name of each security group to its rules. `key_pair` is the name of an SSH key in Nova. `settings`
    are the keys of the cluster.yaml that concern the databases alone. `key_id` names the key from which its passwords
    and the addresses of its documents are derived. Numbers and server ids are never used twice.
    """

    name: str
    network: str
    subnet: str | None = None
    key_pair: str | None = None
    instances: tuple[WantedInstance, ...] = ()
    groups: Mapping[str, frozenset[Rule]] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    key_id: str = ""
    next_server_id: int
    next_replica: int

    def __iter__(self) -> Iterator[WantedInstance]:
        return iter(self.instances)

    def find_instance(self, name: str) -> WantedInstance | None:
        """Return the instance of that name, or None."""
        return next((instance for instance in self.instances if instance.name == name), None)

    def replace_instance(self, changed: WantedInstance) -> WantedCluster:
        """Return the cluster with this instance in place of the one of the same name."""
        instances = tuple(changed if each.name == changed.name else each for each in self.instances)
        return replace(self, instances=instances)
