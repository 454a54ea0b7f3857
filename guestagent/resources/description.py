"""Reads the description of a new cluster, a cluster.yaml, into what is wanted; and builds a Cluster of it again. Pure.

The Cluster has everything about the databases: from it the nodes' documents are built, as they are for Heat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network

from guestagent.controller.cluster import Cluster
from guestagent.controller.cluster_file import ZONE, read_document
from guestagent.controller.external_source import ExternalSource
from guestagent.controller.follower import Follower, build_follower_account
from guestagent.controller.node import Node
from guestagent.controller.node_volume import build_volume_shape
from guestagent.controller.passwords import Passwords
from guestagent.errors import InvalidCluster, OrderRefused
from guestagent.metadata.document import DEFAULT_PORT
from guestagent.resources.following import FollowedSource
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orders import CreateCluster
from guestagent.resources.rule import Rule, build_rule
from guestagent.resources.wanted import DATABASE_GROUP, WantedCluster, WantedInstance, WantedVolume
from guestagent.validation import Cursor, Problems

SETTING_KEYS = frozenset(
    {"deadline", "boot_allowance", "auth_ttl", "polling_interval", "tls", "variables", "replica_network"}
    | {"ipv6", "seeding", "verification"}
)
"""The keys of a cluster.yaml that a wanted cluster keeps as they are: they concern the databases and their times."""
VOLUME = build_volume_shape(WantedVolume)
PLACEHOLDER_VOLUME = WantedVolume(1)


@dataclass(frozen=True, slots=True)
class Placement:
    """What a node of a description has beside its flavor and image; None: not said."""

    volume: WantedVolume | None = None
    zone: str | None = None

    def or_else(self, default: Placement) -> Placement:
        """Return the placement with the default for what is not said."""
        return Placement(self.volume or default.volume, self.zone or default.zone)


def read_description(
    order: CreateCluster, key_id: str = "", followed: FollowedSource | None = None
) -> WantedCluster:
    """Return the cluster that the order describes. Raise OrderRefused (`invalid`) with every problem.

    Beside the keys of a cluster.yaml the description has `zone`, for all instances or for one of them. Each of them
    needs a `volume`. `key_id` is the key from which the cluster's passwords are derived, `followed` the source of
    another cluster that it follows.
    """
    problems = Problems()
    description = build_plain_description(order, followed)
    _, default = _split_placement(problems.open_cursor(description, "description"))
    for key in ("volume", "zone"):
        description.pop(key, None)
    source_cursor = problems.open_cursor(description.get("source", {}), "description.source")
    description["source"], source = _split_placement(source_cursor)
    if (
        followed is None
        and isinstance(description["source"], Mapping)
        and "external" in description["source"]
    ):
        source_cursor.add_problem(
            "a cluster of this manager to follow, as in {cluster: shop}", "another source"
        )
    replicas = problems.open_cursor(description.get("replicas", 0), "description.replicas")
    if isinstance(replicas.value, list):
        parts = [_split_placement(replica) for replica in replicas.read_items()]
        description["replicas"] = [node for node, _ in parts]
        placements = [placement.or_else(default) for _, placement in parts]
    else:
        placements = []
    cluster = _read_cluster(problems, description)
    if cluster is not None and not placements:
        placements = [default.or_else(source)] * len(cluster.replicas)
    names = [f"replicas[{index}]" for index in range(len(placements))]
    if followed is None:
        placements.insert(0, source.or_else(default))
        names.insert(0, "source")
    for name, placement in zip(names, placements, strict=True):
        if placement.volume is None:
            do = "set it here, or once for all instances"
            problems.add(f"description.{name}.volume", VOLUME.expected, "nothing", do)
    if cluster is None or problems.problems:
        raise OrderRefused(RefusalCode.INVALID, "the description is invalid", problems.problems)
    wanted = _build_wanted(order.cluster, cluster, placements, description, key_id)
    return replace(wanted, followed=followed)


def build_plain_description(order: CreateCluster, followed: FollowedSource | None) -> dict[str, object]:
    """Return the content of a cluster.yaml that says what the order does: with the source that it follows, if any.

    Unless the description says otherwise, the TLS of the replicas is as the source's.
    """
    description = dict(order.description)
    if followed is not None:
        account = build_follower_account(order.cluster)
        description["source"] = {"external": {"address": followed.address, "account": account}}
        if followed.tls is not None:
            description.setdefault("tls", dict(followed.tls))
    return description


def build_cluster(wanted: WantedCluster) -> Cluster:
    """Return the wanted cluster as the controller's, from which the nodes' documents are built."""
    node = {"flavor": "flavor", "image": "image"}
    places = {"network": wanted.network, "subnet": wanted.subnet}
    place = {key: name for key, name in places.items() if name}
    cluster = read_document({**wanted.settings, **node, **place, "source": {}}).cluster
    nodes = tuple(
        Node(
            each.flavor,
            each.image,
            each.name,
            each.server_id,
            each.generation,
            each.password_number,
            seed=each.seed,
        )
        for each in wanted
    )
    if wanted.followed is not None:
        return replace(
            cluster,
            source=ExternalSource(wanted.followed.address, build_follower_account(wanted.name)),
            replicas=nodes,
            passwords=Passwords.PARAMETERS,
            next_server_id=wanted.next_server_id,
            next_replica=wanted.next_replica,
        )
    return replace(
        cluster,
        source=nodes[0],
        replicas=nodes[1:],
        followers=tuple(Follower(each.follower, each.network) for each in wanted.admissions),
        rotating=wanted.is_rotating,
        next_server_id=wanted.next_server_id,
        next_replica=wanted.next_replica,
    )


def _split_placement(cursor: Cursor) -> tuple[object, Placement]:
    """Take the keys of a placement out of a mapping. What else is wrong with it is for the reader of cluster.yaml."""
    if not isinstance(cursor.value, Mapping):
        return cursor.value, Placement()
    rest = {key: value for key, value in cursor.value.items() if key not in {"volume", "zone"}}
    volume = zone = None
    if "volume" in cursor.value:
        volume = VOLUME.read(cursor.get_child("volume", cursor.value["volume"])) or PLACEHOLDER_VOLUME
    if "zone" in cursor.value:
        zone = ZONE.read(cursor.get_child("zone", cursor.value["zone"]))
    return rest, Placement(volume, zone)


def _read_cluster(problems: Problems, description: Mapping[str, object]) -> Cluster | None:
    cluster = None
    try:
        cluster = read_document(dict(description)).cluster
    except InvalidCluster as error:
        for problem in error.problems:
            path = "description" if problem.path == "document" else f"description.{problem.path}"
            problems.add(path, problem.expected, problem.found, problem.do)
    if not description.keys() & {"network", "subnet"}:
        problems.add("description.network", "a network, or a subnet", "nothing", "a port needs one")
    return cluster


def _build_wanted(
    name: str,
    cluster: Cluster,
    placements: Sequence[Placement],
    description: Mapping[str, object],
    key_id: str,
) -> WantedCluster:
    settings = {key: description[key] for key in sorted(SETTING_KEYS & description.keys())}
    if cluster.tls is not None and cluster.tls.ca is not None:
        settings["tls"] = {
            "ca": cluster.tls.ca,
            "verify": cluster.tls.verify,
            "required": cluster.tls.required,
        }
    instances = tuple(
        WantedInstance(
            name=node.name,
            flavor=node.flavor,
            image=node.image,
            volume=placement.volume or PLACEHOLDER_VOLUME,
            server_id=node.server_id,
            is_source=node is cluster.source,
            zone=placement.zone,
            deadline_s=cluster.condition_timeout,
        )
        for node, placement in zip(cluster, placements, strict=True)
    )
    return WantedCluster(
        name=name,
        network=cluster.network or "",
        subnet=cluster.subnet,
        key_pair=cluster.key_pair,
        instances=instances,
        groups={DATABASE_GROUP: _build_rules(cluster)},
        settings=settings,
        key_id=key_id,
        next_server_id=cluster.next_server_id,
        next_replica=cluster.next_replica,
    )


def _build_rules(cluster: Cluster) -> frozenset[Rule]:
    """Build the rules of the database port: from the nodes and from the client networks."""
    members = {build_rule(None, port_min=DEFAULT_PORT)}
    if cluster.ipv6:
        members |= {replace(rule, ethertype="IPv6") for rule in members}
    clients = {build_rule(ip_network(network), port_min=DEFAULT_PORT) for network in cluster.client_networks}
    return frozenset(members | clients)
