"""Builders that make a cluster readable on one line, and a hypothesis strategy for clusters of any shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from hypothesis import strategies as st

from guestagent.controller import Cluster, Dialect, ExternalSource, Node, Passwords, StackVolume
from guestagent.controller.client_networks import approach_client_networks
from guestagent.controller.database_group import FIRST_GROUP, DatabaseGroup
from guestagent.controller.extra_group import NAME_PATTERN, set_rules
from guestagent.controller.group_rule import build_rule
from guestagent.controller.seed import SeedSettings, SourceSize
from guestagent.controller.seed_preparation import end_seeds
from guestagent.errors import InvalidCluster
from guestagent.metadata import Tls
from guestagent.metadata.seeding_shape import METHODS

LARGE = Node(flavor="m1.large", image="guestagent-mariadb")
SMALL = Node(flavor="m1.small", image="guestagent-mariadb")


def build_cluster(replicas: int = 0, **settings: Any) -> Cluster:
    """A cluster of a large source and small replicas, in the origin's dialect if no other one is given."""
    return Cluster.new(source=LARGE, replicas=[SMALL] * replicas, **{"dialect": Dialect.CFN, **settings})


def list_names(of: Cluster) -> list[str]:
    return [node.name for node in of]


words = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
texts = words | st.builds("{} {}".format, words, words)
nodes = st.builds(Node, flavor=texts, image=texts, zone=st.none() | texts)
cidrs = st.builds(
    lambda address, prefix: str(IPv4Network((address, prefix), strict=False)),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)
cidrs_of_ipv6 = st.builds(
    lambda address, prefix: str(IPv6Network((address, prefix), strict=False)),
    st.integers(0, 2**128 - 1),
    st.integers(0, 128),
)
places = st.one_of(
    st.just({}),
    st.builds(lambda subnet: {"subnet": subnet}, texts),
    st.builds(lambda network: {"network": network}, texts),
)
times = st.tuples(st.integers(1, 20000), st.integers(0, 20000), st.integers(1, 1000)).map(
    lambda drawn: {"deadline": drawn[0], "boot_allowance": drawn[1], "auth_ttl": sum(drawn)}
)


settings: st.SearchStrategy[dict[str, Any]] = st.builds(lambda place, time: {**place, **time}, places, times)


CA = "-----BEGIN CERTIFICATE-----\nMC4=\n-----END CERTIFICATE-----\n"
encryptions = st.sampled_from(
    [None, Tls(), Tls(required=False), Tls(ca=CA), Tls(ca=CA, verify=False), Tls(verify=False)]
)


EXTERNAL = ExternalSource("10.1.0.5", "follower_reports")


def build_following_cluster(replicas: int = 1, **settings: Any) -> Cluster:
    """A cluster of small replicas that follow a source elsewhere."""
    return Cluster.new(source=EXTERNAL, replicas=[SMALL] * replicas, **settings)


sources = st.builds(
    ExternalSource,
    st.sampled_from(["10.1.0.5", "2001:db8::5", "db.example.org"]),
    st.sampled_from(["follower_reports", "replicator"]),
    st.integers(1, 65535),
)


@st.composite
def following_clusters(draw: st.DrawFn) -> Cluster:
    """Clusters with an external source after any sequence of the operations that they have."""
    made = Cluster.new(
        source=draw(sources),
        replicas=draw(st.lists(nodes, min_size=1, max_size=3)),
        client_networks=draw(st.lists(cidrs, max_size=2, unique=True)),
        dialect=draw(st.sampled_from(Dialect)),
        tls=draw(encryptions),
        **draw(settings),
    )
    for operation in draw(st.lists(st.sampled_from(["add", "remove", "renew", "resize"]), max_size=4)):
        name = draw(st.sampled_from(list_names(made)))
        if operation == "add":
            made = made.add_replica(draw(nodes))
        elif operation == "remove":
            made = try_operation(partial(made.remove_replica, name), made)
        elif operation == "renew":
            made = made.renew(name)
        else:
            made = made.resize(name, draw(texts))
    return made


@st.composite
def fresh_clusters(draw: st.DrawFn) -> Cluster:
    dialect = draw(st.sampled_from(Dialect))
    passwords = draw(st.sampled_from(Passwords))
    ipv6 = draw(st.booleans())
    clients = cidrs | cidrs_of_ipv6 if ipv6 else cidrs
    of_replicas = cidrs | st.sampled_from(["2001:db8::/64", "fd00:1:2:3::/64", "::/0"]) if ipv6 else cidrs
    made = Cluster.new(
        source=draw(nodes),
        replicas=draw(st.lists(nodes, max_size=4)),
        key_pair=draw(st.none() | texts),
        client_networks=draw(st.lists(clients, max_size=3, unique=True)),
        variables=draw(
            st.dictionaries(
                st.sampled_from(["max-connections", "wait_timeout"]), st.integers(20, 100), max_size=2
            )
        ),
        replica_network=draw(st.none() | of_replicas),
        ipv6=ipv6,
        metadata_url=draw(
            st.none() | st.sampled_from(["http://10.0.0.1:8000/v1/", "https://heat.example/cfn/v1/"])
        ),
        polling_interval=draw(st.integers(1, 3600)),
        passwords=passwords,
        dialect=Dialect.CFN,
        tls=draw(encryptions),
        seeding=draw(st.builds(SeedSettings, st.sampled_from(METHODS), st.none() | st.integers(1, 1000))),
        verification=draw(st.none() | st.just("verifier")),
        **draw(settings),
    )
    made = made.in_dialect(dialect)
    return add_volumes(draw, made) if dialect is Dialect.HOT else made


networks = st.none() | (cidrs | cidrs_of_ipv6).map(ip_network)
rules = st.builds(build_rule, networks, st.sampled_from(["tcp", "udp"]), st.none() | st.integers(1, 65535))
extra_groups = st.dictionaries(st.from_regex(NAME_PATTERN, fullmatch=True), st.lists(rules, max_size=3)).map(
    lambda drawn: tuple(group for name in sorted(drawn) for group in set_rules((), name, drawn[name]))
)


def with_inline_rules(cluster: Cluster) -> Cluster:
    """The cluster as earlier releases wrote it: the rules for clients are a part of the security group."""
    return replace(cluster, group=DatabaseGroup(1, cluster.client_networks))


def add_volumes(draw: st.DrawFn, cluster: Cluster) -> Cluster:
    """The cluster, some of whose nodes have a data volume of the stack, and perhaps with inline rules."""
    if draw(st.booleans()):
        cluster = with_inline_rules(cluster)
    volumes = st.none() | st.builds(StackVolume, st.integers(1, 100), st.none() | words, st.booleans())
    source, *replicas = [replace(node, volume=draw(volumes)) for node in cluster]
    groups = draw(extra_groups) if cluster.network is not None else ()
    return replace(cluster, source=source, replicas=tuple(replicas), extra_groups=groups)


OPERATIONS = ["add", "remove", "renew", "resize", "rotate", "end", "reseed", "join", "volume", "networks"]
OPERATIONS += ["admit", "revoke"]
sizes = st.builds(SourceSize, st.none() | st.integers(0, 2**40), st.none() | st.integers(0, 2**40))


def forget_hot(cluster: Cluster) -> Cluster:
    """The cluster without what only HOT has: data volumes, another security group than the first, more groups."""
    source, *replicas = [replace(node, volume=None) for node in cluster]
    changed = replace(cluster, group=FIRST_GROUP, former_group=None, extra_groups=())
    return replace(changed, source=source, replicas=tuple(replicas))


def forget_seeds(cluster: Cluster) -> Cluster:
    """The cluster as one that was created whole."""
    replicas = tuple(replace(node, seed=None) for node in cluster.replicas)
    return replace(cluster, replicas=replicas, donor_certificate=None)


def try_operation(operation: Callable[[], Cluster], otherwise: Cluster) -> Cluster:
    """The changed cluster, or the old one if Heat's clocks do not allow the change."""
    try:
        return operation()
    except InvalidCluster:
        return otherwise


@st.composite
def clusters(draw: st.DrawFn) -> Cluster:
    """Clusters of any shape after any sequence of operations."""
    made = draw(fresh_clusters())
    for operation in draw(st.lists(st.sampled_from(OPERATIONS), max_size=6)):
        if operation == "add":
            node, size = draw(nodes), draw(sizes)
            made = try_operation(partial(made.add_replica, node, size), made)
        elif operation == "reseed" and made.replicas:
            name, size = draw(st.sampled_from(list_names(made)[1:])), draw(sizes)
            made = try_operation(partial(made.reseed, name, size, discard=draw(st.booleans())), made)
        elif operation == "join":
            made = end_seeds(made, draw(st.sets(st.sampled_from(list_names(made)))))
        elif operation == "renew":
            made = made.renew(draw(st.sampled_from(list_names(made))))
        elif operation == "resize":
            made = made.resize(draw(st.sampled_from(list_names(made))), draw(texts))
        elif operation == "volume":
            name, size_gib = draw(st.sampled_from(list_names(made))), draw(st.integers(1, 200))
            made = try_operation(partial(made.resize_volume, name, size_gib), made)
        elif operation == "networks":
            networks = draw(st.lists(cidrs, max_size=3, unique=True))
            made = try_operation(partial(approach_client_networks, made, networks), made)
        elif operation == "admit":
            name = draw(st.sampled_from(["reports", "mirror", "a" * 40]))
            network = draw(cidrs | st.sampled_from([*made.client_networks, "10.0.0.0/8"]))
            made = try_operation(partial(made.admit, name, network), made)
        elif operation == "revoke" and made.followers:
            made = made.revoke(draw(st.sampled_from([each.name for each in made.followers])))
        elif operation == "end":
            made = made.end_rotation()
        elif operation == "rotate" and made.replicas and not made.rotating:
            made = made.rotate(*draw(st.sets(st.sampled_from(list_names(made)[1:]))))
        elif operation == "remove" and made.replicas:
            made = made.remove_replica(draw(st.sampled_from(list_names(made)[1:])))
    return made
