"""The values of a cluster, checked together: which nodes it has, where they are, and the settings that they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from guestagent.controller.cluster_validation import (
    check_counters,
    check_following,
    check_metadata_url,
    check_networks,
    check_nodes,
    check_placement,
    check_times,
    check_tls,
    check_variables,
)
from guestagent.controller.database_group import FIRST_GROUP, DatabaseGroup, FormerGroup, check_groups
from guestagent.controller.dialect import DEFAULT_DIALECT, Dialect
from guestagent.controller.external_source import ExternalSource
from guestagent.controller.extra_group import ExtraGroup, check_extra_groups
from guestagent.controller.follower import Follower, check_followers
from guestagent.controller.node import Node
from guestagent.controller.passwords import Passwords
from guestagent.controller.seed import DEFAULT_SEEDING, SeedSettings
from guestagent.controller.seed_validation import check_seeding, check_verification
from guestagent.errors import InvalidCluster
from guestagent.metadata import Tls
from guestagent.metadata.document import DEFAULT_DEADLINE
from guestagent.metadata.limits import DEFAULT_AUTH_TTL_S
from guestagent.validation import Problems

DEFAULT_DEADLINE_S = DEFAULT_DEADLINE
DEFAULT_BOOT_ALLOWANCE_S = 300
DEFAULT_POLLING_INTERVAL_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """One source, its replicas, and the settings that they share. `Cluster.new` makes one.

    With an ExternalSource the cluster has replicas only, and they follow a server elsewhere. `followers` are other
    clusters whose replicas may follow this source.

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

    `group` is the security group of the nodes, `former_group` the one that they leave (`client_networks.py`);
    `extra_groups` are those that they have beside it.

    `passwords`: either Heat generates the accounts' passwords, or the template has a hidden parameter for each. The
    values are never a part of the cluster: Heat gets them beside the template.
    """

    source: Node | ExternalSource
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
    group: DatabaseGroup = FIRST_GROUP
    former_group: FormerGroup | None = None
    followers: tuple[Follower, ...] = ()
    extra_groups: tuple[ExtraGroup, ...] = ()
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
        joining_count = sum(node.donor_password is not None for node in self.replicas)
        served_count = len(self.replicas) + len(self.followers) if isinstance(self.source, Node) else 0
        check_variables(problems, self.variables, self.tls, served_count, joining_count)
        check_seeding(problems, self.seeding, self.source, self.replicas)
        accounts = [follower.account for follower in self.followers]
        check_verification(problems, self.verification, self.replicas, accounts)
        check_followers(problems, self.followers, self.ipv6)
        if isinstance(self.source, ExternalSource):
            check_following(
                problems,
                self.source,
                len(self.replicas),
                has_followers=bool(self.followers),
                has_replica_network=self.replica_network is not None,
                has_verification=self.verification is not None,
                has_parameters=self.passwords is Passwords.PARAMETERS,
            )
        check_groups(
            problems, self.group, self.former_group, self.client_networks, self.network, self.dialect
        )
        check_extra_groups(problems, self.extra_groups, self.network, self.dialect)
        problems.raise_if_any(InvalidCluster)
