"""Checks of a cluster's values, each independent of the others, so that every problem is found at once. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from guestagent.controller.dialect import Dialect
from guestagent.controller.external_source import ExternalSource, check_external_source
from guestagent.controller.network_values import check_ip_version, read_network
from guestagent.controller.node import Node
from guestagent.controller.node_volume import VOLUME_SIZE, StackVolume
from guestagent.errors import InvalidCluster
from guestagent.metadata import Tls
from guestagent.metadata.document import UnresolvedFunction
from guestagent.metadata.limits import (
    AUTH_TTL_LIMIT_S,
    CONDITION_TIMEOUT_LIMIT_S,
    GENERATION_LIMIT,
    POLLING_INTERVAL_LIMIT_S,
    SERVER_ID_LIMIT,
)
from guestagent.metadata.network_shape import check_network
from guestagent.metadata.tls import PEM
from guestagent.metadata.url_shape import is_url
from guestagent.metadata.variable_consistency import (
    check_bind_address,
    check_max_connections,
    check_secure_transport,
)
from guestagent.metadata.variable_shapes import VariablesShape
from guestagent.validation import Cursor, Problems

NODE_NAME_PATTERN = re.compile(r"(Master|Slave)([0-9]{4}|[1-9][0-9]{4,6})")
# No blank, no quote, and no $, which the guest's reader of settings expands.
USER_DATA_URL_PATTERN = re.compile(r"https?://[!#%&*-;=?-\[\]_a-z~]+")
TEXT_LENGTH_LIMIT = 255
REPLICA_NUMBER_LIMIT = 10**7


def check_nodes(
    problems: Problems,
    source: Node | ExternalSource,
    replicas: Sequence[Node],
    next_server_id: int,
    next_replica: int,
) -> None:
    """Check each node by itself, and that names and server ids differ."""
    paths = [f"replicas[{index}]" for index in range(len(replicas))]
    nodes = list(replicas)
    if isinstance(source, Node):
        paths, nodes = ["source", *paths], [source, *nodes]
    for path, node in zip(paths, nodes, strict=True):
        _check_node(Cursor(node, path, problems), node, next_server_id, next_replica)
    cursor = Cursor(None, "cluster", problems)
    for name, count in Counter(node.name for node in nodes).items():
        if count > 1 and name:
            cursor.add_problem("names that differ", f"{name} {count} times")
    server_ids = [node.server_id for node in replicas]
    if server_ids != sorted(server_ids):
        cursor.add_problem("replicas in the order of their server ids", "another order")
    for server_id, count in Counter(node.server_id for node in nodes).items():
        if count > 1 and server_id:
            cursor.add_problem("server ids that differ", f"{server_id} {count} times")


def _check_node(cursor: Cursor, node: Node, next_server_id: int, next_replica: int) -> None:
    _check_text(cursor.get_child("flavor", node.flavor))
    _check_text(cursor.get_child("image", node.image))
    if node.zone is not None:
        _check_text(cursor.get_child("zone", node.zone))
    if isinstance(node.volume, StackVolume):
        _check_volume(cursor.get_child("volume", node.volume), node.volume)
    cursor.get_child("generation", node.generation).read_integer(1, GENERATION_LIMIT)
    cursor.get_child("password_number", node.password_number).read_integer(1, GENERATION_LIMIT)
    server_id = cursor.get_child("server_id", node.server_id).read_integer(1, SERVER_ID_LIMIT)
    if server_id is not None and server_id >= next_server_id:
        cursor.get_child("server_id", None).add_problem(
            f"one below the next, {next_server_id}", str(server_id)
        )
    name = NODE_NAME_PATTERN.fullmatch(node.name)
    if name is None:
        cursor.get_child("name", None).add_problem(
            "Master0000, Slave0000 or the like", node.name or "none", "Cluster.new gives names"
        )
    elif name[1] == "Slave" and int(name[2]) >= next_replica:
        cursor.get_child("name", None).add_problem(f"a number below the next, {next_replica}", node.name)


def _check_volume(cursor: Cursor, volume: StackVolume) -> None:
    VOLUME_SIZE.read(cursor.get_child("size_gib", volume.size_gib))
    if volume.volume_type is not None:
        _check_text(cursor.get_child("type", volume.volume_type))
    if volume.store is not None:
        _check_text(cursor.get_child("store", volume.store))


def check_following(
    problems: Problems,
    source: ExternalSource,
    replica_count: int,
    *,
    has_followers: bool,
    has_replica_network: bool,
    has_verification: bool,
    has_parameters: bool,
) -> None:
    """Check a cluster whose source is elsewhere: it has replicas only, and no accounts of its own."""
    check_external_source(problems.open_cursor(source, "source.external"), source)
    if not replica_count:
        problems.add("replicas", "at least one if the source is external", "none")
    if has_followers:
        problems.add("followers", "none: chained replication is not supported", "one")
    if has_replica_network:
        do = "admit the network at the source's cluster"
        problems.add("replica_network", "none: the account is not this cluster's", "one", do)
    if not has_parameters:
        problems.add("passwords", "parameters if the source is external", "Heat's", "both clusters know it")
    if has_verification:
        do = "the source's cluster gives its account to its own replicas only"
        problems.add("verification", "none if the source is external", "one", do)


def require_replicas(source: Node | ExternalSource, replicas: Sequence[Node], names: Iterable[str]) -> None:
    """Raise InvalidCluster unless each of these names is a replica's."""
    problems = Problems()
    replica_names = [node.name for node in replicas]
    expected = f"one of {', '.join(replica_names) or 'no replica: there is none'}"
    for name in names:
        if isinstance(source, Node) and name == source.name:
            problems.add("node", expected, f"{name}, the source", "a cluster keeps its source")
        elif name not in replica_names:
            problems.add("node", expected, name or repr(name))
    problems.raise_if_any(InvalidCluster)


def check_placement(
    problems: Problems, subnet: str | None, network: str | None, key_pair: str | None
) -> None:
    """Check the names of the cloud's resources that all nodes use."""
    for field, value in (("subnet", subnet), ("network", network), ("key_pair", key_pair)):
        if value is not None:
            _check_text(Cursor(value, field, problems))
    if subnet is not None and network is not None:
        problems.add("network", "a subnet or a network", "both", "name the subnet only")


def check_metadata_url(problems: Problems, metadata_url: str | None, dialect: Dialect) -> None:
    """Check the address of Heat's CFN API."""
    if metadata_url is not None and not is_metadata_url(metadata_url):
        problems.add("metadata_url", "the http(s) address of Heat's CFN API", repr(metadata_url))
    if metadata_url is not None and dialect is Dialect.HOT:
        problems.add(
            "metadata_url", "none in HOT", "one", "Heat gives each server the address of its metadata"
        )


def is_metadata_url(text: str) -> bool:
    """Return whether the text can be the address of an API, and can be written into user data."""
    return USER_DATA_URL_PATTERN.fullmatch(text) is not None and is_url(text)


def check_networks(
    problems: Problems, client_networks: Sequence[str], replica_network: str | None, ipv6: bool
) -> None:
    """Check the networks from which clients and replicas connect."""
    for index, text in enumerate(client_networks):
        cursor = Cursor(text, f"client_networks[{index}]", problems)
        check_ip_version(cursor, read_network(cursor), ipv6)
    for text, count in Counter(client_networks).items():
        if count > 1:
            problems.add("client_networks", "networks that differ", f"{text} {count} times")
    if replica_network is not None:
        cursor = Cursor(replica_network, "replica_network", problems)
        network = read_network(cursor)
        if network is not None and check_network(cursor, network):
            check_ip_version(cursor, network, ipv6)


def check_counters(problems: Problems, next_server_id: int, next_replica: int) -> None:
    """Check the numbers that the next replica gets."""
    Cursor(next_server_id, "next_server_id", problems).read_integer(1, SERVER_ID_LIMIT + 1)
    Cursor(next_replica, "next_replica", problems).read_integer(0, REPLICA_NUMBER_LIMIT)


def check_times(
    problems: Problems, *, deadline: int, boot_allowance: int, auth_ttl: int, polling_interval: int
) -> None:
    """Check the times, and that a handle's URL is still valid when the deadline ends."""
    read_deadline = Cursor(deadline, "deadline", problems).read_integer(1, CONDITION_TIMEOUT_LIMIT_S)
    read_boot = Cursor(boot_allowance, "boot_allowance", problems).read_integer(0, CONDITION_TIMEOUT_LIMIT_S)
    Cursor(polling_interval, "polling_interval", problems).read_integer(1, POLLING_INTERVAL_LIMIT_S)
    read_auth_ttl = Cursor(auth_ttl, "auth_ttl", problems).read_integer(1, AUTH_TTL_LIMIT_S)
    if read_deadline is None or read_boot is None or read_auth_ttl is None:
        return
    timeout = boot_allowance + deadline
    found = f"{boot_allowance} + {deadline} = {timeout} s"
    if timeout > CONDITION_TIMEOUT_LIMIT_S:
        expected = f"boot_allowance + deadline to be at most {CONDITION_TIMEOUT_LIMIT_S} s, Heat's limit"
        problems.add("deadline", expected, found)
    if timeout >= auth_ttl:
        expected = f"boot_allowance + deadline to be less than auth_ttl, {auth_ttl} s"
        do = "Keystone refuses a handle's URL that is older than its auth_ttl: the signal would come too late"
        problems.add("deadline", expected, found, do)


def check_tls(problems: Problems, tls: Tls | None) -> None:
    """Check the TLS of the channels."""
    if tls is None:
        return
    if tls.ca is not None:
        PEM.read(Cursor(tls.ca, "tls.ca", problems))
    if not tls.required and (tls.ca is not None or not tls.verify):
        problems.add("tls.required", "nothing beside it if it is false", "ca or verify")
    if tls.certificate is not None or tls.key is not None or tls.client_certificates:
        expected = "no certificates of the nodes' own in a cluster"
        problems.add("tls", expected, "some", "every node that may read the template could read their keys")


def check_variables(
    problems: Problems,
    variables: Mapping[str, object],
    tls: Tls | None,
    replica_count: int,
    seed_count: int = 0,
) -> None:
    """Check the server variables, also against the rest of the cluster."""
    cursor = Cursor(variables, "variables", problems)
    values = VariablesShape().read(cursor) or {}
    for name, value in values.items():
        if isinstance(value, UnresolvedFunction):
            do = "a cluster's template has nothing that a function could refer to: write the value itself"
            cursor.get_child(name, None).add_problem("a value", f"the template function {value}", do)
    check_secure_transport(cursor, values, tls is not None and not tls.required)
    if replica_count:
        check_bind_address(cursor, values)
        check_max_connections(cursor, values, replica_count, seed_count)


def _check_text(cursor: Cursor) -> None:
    text = cursor.read_string(max_length=TEXT_LENGTH_LIMIT)
    if text is not None and (not text.isprintable() or text != text.strip()):
        cursor.add_problem("printable text with no blank at its ends", repr(text))
