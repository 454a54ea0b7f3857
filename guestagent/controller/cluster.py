"""A cluster as a value: described once, changed in code, and rendered into a template.

Operations return new clusters. Numbers and server ids are never used twice, not even after a removal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from guestagent.controller.cluster_settings import (
    DEFAULT_BOOT_ALLOWANCE_S,
    DEFAULT_DEADLINE_S,
    DEFAULT_POLLING_INTERVAL_S,
    ClusterSettings,
)
from guestagent.controller.cluster_validation import require_replicas
from guestagent.controller.database_group import FIRST_GROUP
from guestagent.controller.dialect import DEFAULT_DIALECT, Dialect
from guestagent.controller.external_source import ExternalSource, compute_first_replica_id
from guestagent.controller.follower import Follower
from guestagent.controller.node import Node, drop_store
from guestagent.controller.node_volume import StackVolume
from guestagent.controller.passwords import Passwords
from guestagent.controller.seed import (
    DEFAULT_SEEDING,
    UNKNOWN_SIZE,
    NodeSeed,
    SeedClock,
    SeedSettings,
    SourceSize,
    plan_reseed,
    plan_seed,
)
from guestagent.errors import InvalidCluster, Problem
from guestagent.metadata import Tls
from guestagent.metadata.limits import DEFAULT_AUTH_TTL_S

FIRST_SERVER_ID = 101  # far from 1, every server's default: a server without its own id is noticed at once
FIRST_REPLICA_ID = FIRST_SERVER_ID + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster(ClusterSettings):
    """A cluster and its operations. `Cluster.new` gives names and server ids."""

    @classmethod
    def new(
        cls,
        *,
        source: Node | ExternalSource,
        replicas: Iterable[Node] = (),
        subnet: str | None = None,
        network: str | None = None,
        key_pair: str | None = None,
        client_networks: Iterable[str] = (),
        replica_network: str | None = None,
        ipv6: bool = False,
        metadata_url: str | None = None,
        deadline: int = DEFAULT_DEADLINE_S,
        boot_allowance: int = DEFAULT_BOOT_ALLOWANCE_S,
        auth_ttl: int = DEFAULT_AUTH_TTL_S,
        polling_interval: int = DEFAULT_POLLING_INTERVAL_S,
        dialect: Dialect = DEFAULT_DIALECT,
        passwords: Passwords = Passwords.HEAT,
        tls: Tls | None = None,
        variables: Mapping[str, str | int | bool] | None = None,
        seeding: SeedSettings = DEFAULT_SEEDING,
        verification: str | None = None,
    ) -> Cluster:
        """Make a new cluster: its nodes get their names, server ids and first generation here."""
        nodes = tuple(replicas)
        first_id = FIRST_REPLICA_ID
        if isinstance(source, Node):
            source = replace(source, name="Master0000", server_id=FIRST_SERVER_ID, generation=1)
        else:
            first_id = compute_first_replica_id(source.account)
            passwords = Passwords.PARAMETERS
        return cls(
            source=source,
            replicas=tuple(
                _number_replica(node, index, first_id + index) for index, node in enumerate(nodes)
            ),
            subnet=subnet,
            network=network,
            key_pair=key_pair,
            client_networks=tuple(client_networks),
            replica_network=replica_network,
            ipv6=ipv6,
            metadata_url=metadata_url,
            deadline=deadline,
            boot_allowance=boot_allowance,
            auth_ttl=auth_ttl,
            polling_interval=polling_interval,
            dialect=dialect,
            passwords=passwords,
            tls=tls,
            variables={} if variables is None else variables,
            seeding=seeding,
            verification=verification,
            next_server_id=first_id + len(nodes),
            next_replica=len(nodes),
        )

    def add_replica(self, node: Node, size: SourceSize = UNKNOWN_SIZE) -> Cluster:
        """Add a replica. The source gets a new generation, because it has to prove the new accounts first.

        With an external source the account is there already, and the replica replays its logs. `size` is that of the
        source, from which the replica's time follows: `Stacks.change` finds it out. Raise InvalidCluster if Heat's
        clocks do not allow that time.
        """
        replica = _number_replica(node, self.next_replica, self.next_server_id)
        if self.seeding.method != "replay" and isinstance(self.source, Node):
            seed = plan_seed(NodeSeed(1, replica.generation), self.seed_clock, self.seeding, size)
            replica = replace(replica, seed=seed)
        return replace(
            self,
            source=self._renew_source(),
            replicas=(*self.replicas, replica),
            next_server_id=self.next_server_id + 1,
            next_replica=self.next_replica + 1,
        )

    def remove_replica(self, name: str) -> Cluster:
        """Remove the replica `name`. No node has anything new to prove, so no generation changes."""
        require_replicas(self.source, self.replicas, [name])
        return replace(self, replicas=tuple(node for node in self.replicas if node.name != name))

    def reseed(self, name: str, size: SourceSize = UNKNOWN_SIZE, *, discard: bool = False) -> Cluster:
        """Replace the data of the replica `name` by its source's. Both prove it in their next generation.

        With `discard` the old data need not be kept until the new ones are there. `size` is as in `add_replica`.
        """
        require_replicas(self.source, self.replicas, [name])
        source = self.own_source.renewed()
        node = self.node(name).renewed()
        seed = plan_reseed(node.generation, self.seed_clock, self.seeding, size, discard=discard)
        return replace(self, source=source)._replace_node(replace(node, seed=seed))

    def renew(self, name: str) -> Cluster:
        """Give the node `name` its next generation, in which it proves itself again."""
        return self._replace_node(self.node(name).renewed())

    def resize(self, name: str, flavor: str) -> Cluster:
        """Give the node `name` another flavor, with nothing to prove yet: `renew` it in a separate update.

        Heat delivers a server's metadata before it resizes the server, so in one update the node would prove itself
        and then restart. `Stacks.resize` does both updates.
        """
        return self._replace_node(replace(self.node(name), flavor=flavor))

    def resize_volume(self, name: str, size_gib: int) -> Cluster:
        """Say that the data volume of the node `name` has this size. The node proves it in its next generation.

        The volume must have grown in Cinder before: `Stacks.resize_volume` does both, in this order. Raise
        InvalidCluster if the size is smaller, or if the stack has made no volume for the node.
        """
        grown = self.node(name).grown(size_gib)
        return self if grown == self.node(name) else self._replace_node(grown.renewed())

    def keep_volumes(self, *names: str, is_kept: bool = True) -> Cluster:
        """Say whether the data volumes of these nodes (none named: of all) stay when they or the stack are deleted.

        Heat goes by what the template said before a node was removed, so do this in an update of its own.
        """
        cluster = self
        for node in [self.node(name) for name in names] or list(self):
            if isinstance(node.volume, StackVolume):
                kept = replace(node, volume=replace(node.volume, is_kept=is_kept))
                cluster = cluster._replace_node(kept)
        return cluster

    def rotate(self, *names: str) -> Cluster:
        """Give these replicas new passwords (none named: all of them), while the source retains the old ones.

        Source and replicas prove it. Then `end_rotation` discards the old ones, in a separate update:
        `Stacks.rotate` does both. Raise InvalidCluster if a rotation has not ended: a third password would push out
        the oldest.
        """
        if self.rotating:
            raise InvalidCluster([Problem("rotation", "none that is not ended yet", "one", "end it first")])
        source = self.own_source.renewed()
        require_replicas(self.source, self.replicas, names or ([] if self.replicas else [""]))
        chosen_names = set(names or [node.name for node in self.replicas])
        replicas = tuple(node.rotated() if node.name in chosen_names else node for node in self.replicas)
        return replace(self, source=source, replicas=replicas, rotating=True)

    def end_rotation(self) -> Cluster:
        """Discard the retained passwords. The source proves it."""
        return replace(self, source=self.own_source.renewed(), rotating=False)

    def admit(self, name: str, network: str) -> Cluster:
        """Let the replicas of the cluster `name` follow this source, from a network. The source proves their account.

        Raise InvalidCluster if that cluster is admitted already: `revoke` it before it gets another network.
        """
        source = self.own_source.renewed()
        if any(each.name == name for each in self.followers):
            raise InvalidCluster([Problem("follower", "one that is not admitted yet", name)])
        return replace(self, source=source, followers=(*self.followers, Follower(name, network)))

    def revoke(self, name: str) -> Cluster:
        """Let the replicas of the cluster `name` no longer follow this source: their account is dropped.

        As when a replica is removed, no node has anything new to prove.
        """
        if all(each.name != name for each in self.followers):
            names = ", ".join(each.name for each in self.followers) or "no follower: there is none"
            raise InvalidCluster([Problem("follower", f"one of {names}", name)])
        return replace(self, followers=tuple(each for each in self.followers if each.name != name))

    def with_variables(self, variables: Mapping[str, str | int | bool]) -> Cluster:
        """Replace all server variables. Every node proves them; if a static one differs, its server restarts."""
        return replace(
            self,
            variables=dict(variables),
            source=self._renew_source(),
            replicas=tuple(node.renewed() for node in self.replicas),
        )

    def in_dialect(self, dialect: Dialect) -> Cluster:
        """Return the cluster for a new stack in that template format. Only CFN has an address of the CFN API.

        In a new stack no replica joins a source that has data, and no resource manager has made its volumes yet.
        """
        source = drop_store(self.source) if isinstance(self.source, Node) else self.source
        return replace(
            self,
            dialect=dialect,
            metadata_url=self.metadata_url if dialect is Dialect.CFN else None,
            source=source,
            replicas=tuple(replace(drop_store(node), seed=None) for node in self.replicas),
            donor_certificate=None,
            group=FIRST_GROUP,
            former_group=None,
            extra_groups=self.extra_groups if dialect is Dialect.HOT else (),
        )

    def __iter__(self) -> Iterator[Node]:
        """Iterate over all nodes, the source first. An external source is no node of the cluster."""
        return iter((self.source, *self.replicas) if isinstance(self.source, Node) else self.replicas)

    def node(self, name: str) -> Node:
        """Return the node of that name. Raise InvalidCluster if there is none."""
        for node in self:
            if node.name == name:
                return node
        names = ", ".join(node.name for node in self)
        raise InvalidCluster([Problem("node", f"one of {names}", name or repr(name))])

    def is_source(self, name: str) -> bool:
        """Return whether the node of that name is the source."""
        return isinstance(self.source, Node) and self.source.name == name

    @property
    def own_source(self) -> Node:
        """The source. Raise InvalidCluster if it is external: the operation is one of the source's cluster."""
        if isinstance(self.source, Node):
            return self.source
        do = "it is done where the source is, if at all"
        raise InvalidCluster([Problem("source", "a node of this cluster", "an external source", do)])

    @property
    def condition_timeout(self) -> int:
        """Seconds for which Heat waits for a node's signal, from when its server runs. A seed extends them."""
        return self.boot_allowance + self.deadline

    def get_condition_timeout(self, node: Node) -> int:
        """Return the seconds for which Heat waits for this node in its generation."""
        return self.condition_timeout + (0 if node.seed is None else node.seed.deadline)

    @property
    def seed_clock(self) -> SeedClock:
        """What limits the time of a seed."""
        return SeedClock(self.condition_timeout, self.auth_ttl, self.dialect)

    @property
    def joining_replicas(self) -> tuple[Node, ...]:
        """The replicas for which the source is a donor."""
        return tuple(node for node in self.replicas if node.donor_password is not None)

    def _renew_source(self) -> Node | ExternalSource:
        return self.source.renewed() if isinstance(self.source, Node) else self.source

    def _replace_node(self, changed: Node) -> Cluster:
        return replace(
            self,
            source=changed if self.is_source(changed.name) else self.source,
            replicas=tuple(changed if node.name == changed.name else node for node in self.replicas),
        )


def _number_replica(node: Node, index: int, server_id: int) -> Node:
    return replace(node, name=f"Slave{index:04d}", server_id=server_id, generation=1)
