"""A cluster as a value: described once, changed in code, and rendered into a template.

Operations return new clusters. Numbers and server ids are never used twice, not even after a removal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from guestagent.controller.cluster_validation import (
    check_counters,
    check_metadata_url,
    check_networks,
    check_nodes,
    check_placement,
    check_times,
    check_tls,
    check_variables,
    require_replicas,
)
from guestagent.controller.dialect import DEFAULT_DIALECT, Dialect
from guestagent.controller.node import Node
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
from guestagent.controller.seed_validation import check_seeding, check_verification
from guestagent.errors import InvalidCluster, Problem
from guestagent.metadata import Tls
from guestagent.metadata.document import DEFAULT_DEADLINE
from guestagent.metadata.limits import DEFAULT_AUTH_TTL_S
from guestagent.validation import Problems

FIRST_SERVER_ID = 101  # far from 1, every server's default: a server without its own id is noticed at once
FIRST_REPLICA_ID = FIRST_SERVER_ID + 1
DEFAULT_DEADLINE_S = DEFAULT_DEADLINE
DEFAULT_BOOT_ALLOWANCE_S = 300
DEFAULT_POLLING_INTERVAL_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One source, its replicas, and the settings that they share. `Cluster.new` gives names and server ids.

    The nodes are in `subnet` or `network` (ids; prefer the subnet); with neither the cloud has one default network.
    `client_networks` may reach the database port, and so may the nodes. `variables` are server variables, of those
    that a node's metadata may set. The replicas' accounts are valid from `replica_network` only (None: from anywhere).
    Networks are in CIDR form. `ipv6`: the nodes have IPv6 addresses and reach each other by them too; networks of
    IPv6 need it.

    Times are in seconds. `deadline` is a node's own time to become ready, from the start of its agent;
    `boot_allowance` comes before it; `auth_ttl` is how long the cloud's Keystone accepts a handle's URL.
    `metadata_url` is the address of Heat's CFN API as the guests reach it; None: they use the one in Heat's boot data.
    They look for new metadata at least every `polling_interval`. In CFN both are in the servers' user data, so they
    cannot change after a cluster is created. In HOT Heat provides the address, so there is no `metadata_url`.
    `tls` is for all channels (`GuestAgent.TLS`); None: encrypted if the source offers it.
    `rotating`: passwords are new, and the source retains the old ones until `end_rotation`.
    `seeding` is how replicas that join get their data. `verification` is the name of the account with which replicas
    compare their data with the source's; None: no comparison. `donor_certificate` (PEM) is that of the port for backup
    streams while a replica joins: `Stacks.change` makes it, unless the TLS has a CA.

    A stack never changes its `dialect`, the format of its template: its resources have other types in the other
    format. `Stacks.preflight` finds the better one for a cloud.

    `passwords`: either Heat generates the accounts' passwords, or the template has a hidden parameter for each. The
    values are never a part of the cluster: Heat gets them beside the template.
    """

    source: Node
    replicas: tuple[Node, ...] = ()
    subnet: str | None = None
    network: str | None = None
    key_pair: str | None = None
    client_networks: tuple[str, ...] = ()
    replica_network: str | None = None
    ipv6: bool = False
    metadata_url: str | None = None
    deadline: int = DEFAULT_DEADLINE_S
    boot_allowance: int = DEFAULT_BOOT_ALLOWANCE_S
    auth_ttl: int = DEFAULT_AUTH_TTL_S
    polling_interval: int = DEFAULT_POLLING_INTERVAL_S
    dialect: Dialect = DEFAULT_DIALECT
    passwords: Passwords = Passwords.HEAT
    tls: Tls | None = None
    rotating: bool = False
    variables: Mapping[str, str | int | bool] = field(default_factory=dict)
    seeding: SeedSettings = DEFAULT_SEEDING
    verification: str | None = None
    donor_certificate: str | None = None
    next_server_id: int
    next_replica: int

    def __post_init__(self) -> None:
        problems = Problems()
        check_nodes(problems, self.source, self.replicas, self.next_server_id, self.next_replica)
        check_placement(problems, self.subnet, self.network, self.key_pair)
        check_metadata_url(problems, self.metadata_url, self.dialect)
        check_networks(problems, self.client_networks, self.replica_network, self.ipv6)
        check_counters(problems, self.next_server_id, self.next_replica)
        check_times(
            problems,
            deadline=self.deadline,
            boot_allowance=self.boot_allowance,
            auth_ttl=self.auth_ttl,
            polling_interval=self.polling_interval,
        )
        check_tls(problems, self.tls)
        check_variables(problems, self.variables, self.tls, len(self.replicas), len(self.joining_replicas))
        check_seeding(problems, self.seeding, self.source, self.replicas)
        check_verification(problems, self.verification, self.replicas)
        problems.raise_if_any(InvalidCluster)

    @classmethod
    def new(
        cls,
        *,
        source: Node,
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
        return cls(
            source=replace(source, name="Master0000", server_id=FIRST_SERVER_ID, generation=1),
            replicas=tuple(
                _number_replica(node, index, FIRST_REPLICA_ID + index) for index, node in enumerate(nodes)
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
            next_server_id=FIRST_REPLICA_ID + len(nodes),
            next_replica=len(nodes),
        )

    def add_replica(self, node: Node, size: SourceSize = UNKNOWN_SIZE) -> Cluster:
        """Add a replica. The source gets a new generation, because it has to prove the new accounts first.

        `size` is that of the source, from which the replica's time follows: `Stacks.change` finds it out. Raise
        InvalidCluster if Heat's clocks do not allow that time.
        """
        replica = _number_replica(node, self.next_replica, self.next_server_id)
        if self.seeding.method != "replay":
            seed = plan_seed(NodeSeed(1, replica.generation), self.seed_clock, self.seeding, size)
            replica = replace(replica, seed=seed)
        return replace(
            self,
            source=self.source.renewed(),
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
        node = self.node(name).renewed()
        seed = plan_reseed(node.generation, self.seed_clock, self.seeding, size, discard=discard)
        return replace(self, source=self.source.renewed())._replace_node(replace(node, seed=seed))

    def renew(self, name: str) -> Cluster:
        """Give the node `name` its next generation, in which it proves itself again."""
        return self._replace_node(self.node(name).renewed())

    def resize(self, name: str, flavor: str) -> Cluster:
        """Give the node `name` another flavor, with nothing to prove yet: `renew` it in a separate update.

        Heat delivers a server's metadata before it resizes the server, so in one update the node would prove itself
        and then restart. `Stacks.resize` does both updates.
        """
        return self._replace_node(replace(self.node(name), flavor=flavor))

    def rotate(self, *names: str) -> Cluster:
        """Give these replicas new passwords (none named: all of them), while the source retains the old ones.

        Source and replicas prove it. Then `end_rotation` discards the old ones, in a separate update:
        `Stacks.rotate` does both. Raise InvalidCluster if a rotation has not ended: a third password would push out
        the oldest.
        """
        if self.rotating:
            raise InvalidCluster([Problem("rotation", "none that is not ended yet", "one", "end it first")])
        require_replicas(self.source, self.replicas, names or ([] if self.replicas else [""]))
        chosen_names = set(names or [node.name for node in self.replicas])
        replicas = tuple(node.rotated() if node.name in chosen_names else node for node in self.replicas)
        return replace(self, source=self.source.renewed(), replicas=replicas, rotating=True)

    def end_rotation(self) -> Cluster:
        """Discard the retained passwords. The source proves it."""
        return replace(self, source=self.source.renewed(), rotating=False)

    def with_variables(self, variables: Mapping[str, str | int | bool]) -> Cluster:
        """Replace all server variables. Every node proves them; if a static one differs, its server restarts."""
        return replace(
            self,
            variables=dict(variables),
            source=self.source.renewed(),
            replicas=tuple(node.renewed() for node in self.replicas),
        )

    def in_dialect(self, dialect: Dialect) -> Cluster:
        """Return the cluster for a new stack in that template format. Only CFN has an address of the CFN API.

        In a new stack no replica joins a source that has data.
        """
        return replace(
            self,
            dialect=dialect,
            metadata_url=self.metadata_url if dialect is Dialect.CFN else None,
            replicas=tuple(replace(node, seed=None) for node in self.replicas),
            donor_certificate=None,
        )

    def __iter__(self) -> Iterator[Node]:
        """Iterate over all nodes, the source first."""
        return iter((self.source, *self.replicas))

    def node(self, name: str) -> Node:
        """Return the node of that name. Raise InvalidCluster if there is none."""
        for node in self:
            if node.name == name:
                return node
        names = ", ".join(node.name for node in self)
        raise InvalidCluster([Problem("node", f"one of {names}", name or repr(name))])

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

    def _replace_node(self, changed: Node) -> Cluster:
        return replace(
            self,
            source=changed if self.source.name == changed.name else self.source,
            replicas=tuple(changed if node.name == changed.name else node for node in self.replicas),
        )


def _number_replica(node: Node, index: int, server_id: int) -> Node:
    return replace(node, name=f"Slave{index:04d}", server_id=server_id, generation=1)
