"""A cluster as a value: what is described, changed in code and rendered into a template.

Operations return new clusters. Numbers and server ids are never given twice, not even after a removal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from guestagent.controller.cluster_validation import validate_cluster
from guestagent.controller.dialect import DEFAULT_DIALECT, Dialect
from guestagent.controller.node import Node
from guestagent.controller.passwords import Passwords
from guestagent.errors import InvalidCluster, Problem
from guestagent.metadata import Tls

FIRST_SERVER_ID = 101  # far from 1, the default of every server: one that nobody numbered is seen at once
FIRST_REPLICA_ID = FIRST_SERVER_ID + 1
DEFAULT_DEADLINE_S = 90
DEFAULT_BOOT_ALLOWANCE_S = 300
DEFAULT_AUTH_TTL_S = 900
DEFAULT_POLLING_INTERVAL_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """One source and its replicas, and what they share. `Cluster.new` gives names and server ids.

    `subnet` or `network` (ids; the subnet is the better choice) says where the nodes stand; with neither the
    cloud has one default network. `client_networks` may reach the database port beside the nodes themselves.
    `variables` are the database servers', those of the checked list that the nodes' metadata admits.
    The replicas' accounts are admitted from `replica_network` only (anywhere where it is None). These are
    in CIDR form. `ipv6`: the nodes have IPv6 addresses, and reach each other by them too; networks of IPv6 need it.

    Seconds: `deadline` is a node's own time to become ready once its agent runs, `boot_allowance` comes
    before it, and `auth_ttl` is how long the cloud's Keystone admits a handle's URL. `metadata_url` is the
    address of Heat's CFN API as the guests see it; None: they take the one that Heat's own boot data tells.
    They look for new metadata at least every `read_polling_interval`. In the CFN dialect both stand in the servers'
    user data: they are fixed once a cluster is created. In HOT Heat itself tells the address, so there is no
    `metadata_url`. `tls` is that of all channels (`GuestAgent.TLS`); None: encrypted where the source offers it.
    `rotating`: passwords are new, and the source retains the old ones until `end_rotation`.

    The `dialect` of a stack is for ever: its resources are of other types in the other one; which one a cloud takes the
    better is what `Stacks.preflight` finds.

    `passwords` says whether Heat makes the accounts' passwords, or the template has a hidden parameter for each. The
    values are never a part of the cluster: they go to Heat beside the template.
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
    next_server_id: int
    next_replica: int

    def __post_init__(self) -> None:
        validate_cluster(self)

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
    ) -> Cluster:
        """A new cluster: its nodes get their names, server ids and first generation here."""
        wanted = tuple(replicas)
        numbered = (_replica(node, number, FIRST_REPLICA_ID + number) for number, node in enumerate(wanted))
        return cls(
            source=replace(source, name="Master0000", server_id=FIRST_SERVER_ID, generation=1),
            replicas=tuple(numbered),
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
            next_server_id=FIRST_REPLICA_ID + len(wanted),
            next_replica=len(wanted),
        )

    def add_replica(self, node: Node) -> Cluster:
        """One replica more. The source proves its account first, and so gets a new generation."""
        added = _replica(node, self.next_replica, self.next_server_id)
        return replace(
            self,
            source=self.source.renewed(),
            replicas=(*self.replicas, added),
            next_server_id=self.next_server_id + 1,
            next_replica=self.next_replica + 1,
        )

    def remove_replica(self, name: str) -> Cluster:
        """Without the replica `name`. Nobody has something new to prove, so no generation changes."""
        if name not in [node.name for node in self.replicas]:
            raise InvalidCluster([self._no_replica(name)])
        return replace(self, replicas=tuple(node for node in self.replicas if node.name != name))

    def renew(self, name: str) -> Cluster:
        """The node `name` in its next generation: it has something to prove again."""
        return self._with(self.node(name).renewed())

    def resize(self, name: str, flavor: str) -> Cluster:
        """The node `name` with another flavor, and nothing to prove yet: that is a `renew` in an update of its own.

        Heat hands out a server's metadata before it resizes it, so in one update the node would prove itself and
        restart then. `Stacks.resize` does both.
        """
        return self._with(replace(self.node(name), flavor=flavor))

    def rotate(self, *names: str) -> Cluster:
        """New passwords for these replicas (none named: for all), while the source retains the old ones.

        Source and replicas prove it. Once they have, `end_rotation` discards the old ones, in an update of its own:
        `Stacks.rotate` does both. InvalidCluster where one is not ended yet: a third password pushes out the oldest.
        """
        if self.rotating:
            raise InvalidCluster([Problem("rotation", "none that is not ended yet", "one", "end it first")])
        known = [node.name for node in self.replicas]
        wrong = [name for name in names if name not in known] or ([] if known else [""])
        if wrong:
            raise InvalidCluster([self._no_replica(name) for name in wrong])
        wanted = set(names or known)
        rotated = (node.rotated() if node.name in wanted else node for node in self.replicas)
        return replace(self, source=self.source.renewed(), replicas=tuple(rotated), rotating=True)

    def end_rotation(self) -> Cluster:
        """Without the retained passwords: the source proves that they are discarded."""
        return replace(self, source=self.source.renewed(), rotating=False)

    def with_variables(self, variables: Mapping[str, str | int | bool]) -> Cluster:
        """With these server variables in place of all earlier ones. Every node proves them in a new generation, and
        restarts its database server where a static one differs.
        """
        return replace(
            self,
            variables=dict(variables),
            source=self.source.renewed(),
            replicas=tuple(node.renewed() for node in self.replicas),
        )

    def in_dialect(self, dialect: Dialect) -> Cluster:
        """The same cluster for a stack in that dialect; the address of the CFN API is said in one of them only."""
        return replace(
            self, dialect=dialect, metadata_url=self.metadata_url if dialect is Dialect.CFN else None
        )

    def __iter__(self) -> Iterator[Node]:
        """All nodes, the source first."""
        return iter((self.source, *self.replicas))

    def node(self, name: str) -> Node:
        """The node of that name."""
        for node in self:
            if node.name == name:
                return node
        names = ", ".join(node.name for node in self)
        raise InvalidCluster([Problem("node", f"one of {names}", name)])

    @property
    def condition_timeout(self) -> int:
        """Seconds that Heat waits for a node's signal, counted from when the node runs."""
        return self.boot_allowance + self.deadline

    def _with(self, changed: Node) -> Cluster:
        """With `changed` in the place of the node of its name."""
        return replace(
            self,
            source=changed if self.source.name == changed.name else self.source,
            replicas=tuple(changed if node.name == changed.name else node for node in self.replicas),
        )

    def _no_replica(self, name: str) -> Problem:
        names = ", ".join(node.name for node in self.replicas) or "no replica: there is none"
        if name == self.source.name:
            return Problem("node", f"one of {names}", f"{name}, the source", "a cluster keeps its source")
        return Problem("node", f"one of {names}", name)


def _replica(node: Node, number: int, server_id: int) -> Node:
    return replace(node, name=f"Slave{number:04d}", server_id=server_id, generation=1)
