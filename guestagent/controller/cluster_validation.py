"""Whether a cluster makes sense: every problem of it at once."""

from __future__ import annotations

import re
from collections import Counter
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING

from guestagent.controller.dialect import Dialect
from guestagent.errors import InvalidCluster
from guestagent.metadata import addresses
from guestagent.metadata.consistency_checks import (
    check_bind_address,
    check_max_connections,
    check_secure_transport,
)
from guestagent.metadata.document import UnresolvedFunction
from guestagent.metadata.network_shape import EXPECTED_NETWORK as NETWORK
from guestagent.metadata.network_shape import check_network
from guestagent.metadata.tls import PEM
from guestagent.metadata.variable_shapes import VariablesShape
from guestagent.validation import Cursor, Problems

if TYPE_CHECKING:
    from guestagent.controller.cluster import Cluster
    from guestagent.controller.node import Node

NODE_NAME_PATTERN = re.compile(r"(Master|Slave)([0-9]{4}|[1-9][0-9]{4,6})")
# No blank, no quote, and no $, which the guest's reader of settings expands.
URL_PATTERN = re.compile(r"https?://[!#%&*-;=?-\[\]_a-z~]+")
SERVER_ID_LIMIT = 2**32 - 1
TEXT_LENGTH_LIMIT = 255
CONDITION_TIMEOUT_LIMIT_S = 43200  # Heat's own limit for the Timeout of a wait condition


def validate_cluster(cluster: Cluster) -> None:
    """InvalidCluster with everything that is wrong."""
    problems = Problems()
    for path, node in _nodes(cluster):
        _check_node(problems, path, node, cluster)
    _check_unique(problems, cluster)
    _check_place(problems, cluster)
    _check_networks(problems, cluster)
    _check_times(problems, cluster)
    _check_tls(problems, cluster)
    _check_variables(problems, cluster)
    problems.raise_if_any(InvalidCluster)


def _nodes(cluster: Cluster) -> list[tuple[str, Node]]:
    replicas = [(f"replicas[{index}]", node) for index, node in enumerate(cluster.replicas)]
    return [("source", cluster.source), *replicas]


def _check_node(problems: Problems, path: str, node: Node, cluster: Cluster) -> None:
    at = Cursor(node, path, problems)
    _check_text(at.get_child("flavor", node.flavor))
    _check_text(at.get_child("image", node.image))
    at.get_child("generation", node.generation).read_integer(1, 10**6)
    at.get_child("password_number", node.password_number).read_integer(1, 10**6)
    server_id = at.get_child("server_id", node.server_id).read_integer(1, SERVER_ID_LIMIT)
    if server_id is not None and server_id >= cluster.next_server_id:
        at.get_child("server_id", None).add_problem(
            f"one below the next, {cluster.next_server_id}", str(server_id)
        )
    name = NODE_NAME_PATTERN.fullmatch(node.name)
    if name is None:
        at.get_child("name", None).add_problem(
            "Master0000, Slave0000 or the like", node.name or "none", "Cluster.new gives names"
        )
    elif name[1] == "Slave" and int(name[2]) >= cluster.next_replica:
        at.get_child("name", None).add_problem(f"a number below the next, {cluster.next_replica}", node.name)


def _check_unique(problems: Problems, cluster: Cluster) -> None:
    at = Cursor(cluster, "cluster", problems)
    for name, times in Counter(node.name for node in cluster).items():
        if times > 1 and name:
            at.add_problem("names that differ", f"{name} {times} times")
    ids = [node.server_id for node in cluster.replicas]
    if ids != sorted(ids):
        at.add_problem("replicas in the order of their server ids", "another order")
    for server_id, times in Counter(node.server_id for node in cluster).items():
        if times > 1 and server_id:
            at.add_problem("server ids that differ", f"{server_id} {times} times")


def _check_place(problems: Problems, cluster: Cluster) -> None:
    for field in ("subnet", "network", "key_pair"):
        value = getattr(cluster, field)
        if value is not None:
            _check_text(Cursor(value, field, problems))
    if cluster.subnet is not None and cluster.network is not None:
        problems.add("network", "a subnet or a network", "both", "name the subnet only")
    if cluster.metadata_url is not None and not is_url(cluster.metadata_url):
        problems.add("metadata_url", "the http(s) address of Heat's CFN API", repr(cluster.metadata_url))
    if cluster.metadata_url is not None and cluster.dialect is Dialect.HOT:
        problems.add("metadata_url", "none in HOT", "one", "Heat tells its guests where their metadata is")


def is_url(text: str) -> bool:
    """Whether it can be the address of an API, and stand in user data."""
    return URL_PATTERN.fullmatch(text) is not None and re.search(addresses.URL, text) is not None


def _check_networks(problems: Problems, cluster: Cluster) -> None:
    for index, network in enumerate(cluster.client_networks):
        at = Cursor(network, f"client_networks[{index}]", problems)
        _check_version(at, _check_cidr(at), cluster)
    for network, times in Counter(cluster.client_networks).items():
        if times > 1:
            problems.add("client_networks", "networks that differ", f"{network} {times} times")
    if cluster.replica_network is not None:
        at = Cursor(cluster.replica_network, "replica_network", problems)
        replicas = _check_cidr(at)
        if replicas is not None and check_network(at, replicas):
            _check_version(at, replicas, cluster)


def _check_version(at: Cursor, network: IPv4Network | IPv6Network | None, cluster: Cluster) -> None:
    if isinstance(network, IPv6Network) and not cluster.ipv6:
        do = "set ipv6: true if the nodes have IPv6 addresses: their security group then admits IPv6"
        at.add_problem("a network of IPv4 in a cluster without ipv6", str(network), do)


def _check_cidr(at: Cursor) -> IPv4Network | IPv6Network | None:
    try:
        if not isinstance(at.value, str):
            raise TypeError
        usual = ip_network(at.value, strict=False)
    except (ValueError, TypeError):
        return at.add_problem(NETWORK, repr(at.value))
    if at.value != str(usual):
        return at.add_problem(NETWORK, at.value, f"write {usual}")
    return usual


def _check_times(problems: Problems, cluster: Cluster) -> None:
    deadline = Cursor(cluster.deadline, "deadline", problems).read_integer(1, CONDITION_TIMEOUT_LIMIT_S)
    boot = Cursor(cluster.boot_allowance, "boot_allowance", problems).read_integer(
        0, CONDITION_TIMEOUT_LIMIT_S
    )
    Cursor(cluster.polling_interval, "polling_interval", problems).read_integer(1, 3600)
    auth_ttl = Cursor(cluster.auth_ttl, "auth_ttl", problems).read_integer(1, 10**6)
    Cursor(cluster.next_server_id, "next_server_id", problems).read_integer(1, SERVER_ID_LIMIT + 1)
    Cursor(cluster.next_replica, "next_replica", problems).read_integer(0, 10**7)
    if deadline is None or boot is None or auth_ttl is None:
        return
    if deadline + boot > CONDITION_TIMEOUT_LIMIT_S:
        problems.add(
            "deadline",
            f"boot_allowance + deadline to be at most {CONDITION_TIMEOUT_LIMIT_S} s, Heat's limit",
            f"{boot} + {deadline} = {boot + deadline} s",
        )
    if deadline + boot >= auth_ttl:
        problems.add(
            "deadline",
            f"boot_allowance + deadline to be less than auth_ttl, {auth_ttl} s",
            f"{boot} + {deadline} = {boot + deadline} s",
            "Keystone refuses a handle's URL that is older than its auth_ttl: the signal would come too late",
        )


def _check_tls(problems: Problems, cluster: Cluster) -> None:
    tls = cluster.tls
    if tls is None:
        return
    if tls.ca is not None:
        PEM.read(Cursor(tls.ca, "tls.ca", problems))
    if not tls.required and (tls.ca is not None or not tls.verify):
        problems.add("tls.required", "nothing beside it, where it is false", "ca or verify")
    if tls.certificate is not None or tls.key is not None or tls.client_certificates:
        expected = "no certificates of the nodes' own in a cluster"
        problems.add("tls", expected, "some", "every node that may read the template could read their keys")


def _check_variables(problems: Problems, cluster: Cluster) -> None:
    at = Cursor(cluster.variables, "variables", problems)
    found = VariablesShape().read(at) or {}
    for name, value in found.items():
        if isinstance(value, UnresolvedFunction):
            do = (
                "the template of a cluster has nothing that a function could refer to: write the value itself"
            )
            at.get_child(name, None).add_problem("a value", f"the template function {value}", do)
    check_secure_transport(at, found, cluster.tls is not None and not cluster.tls.required)
    if cluster.replicas:
        check_bind_address(at, found)
        check_max_connections(at, found, len(cluster.replicas))


def _check_text(at: Cursor) -> None:
    text = at.read_string(max_length=TEXT_LENGTH_LIMIT)
    if text is not None and (not text.isprintable() or text != text.strip()):
        at.add_problem("printable text with no blank at its ends", repr(text))
