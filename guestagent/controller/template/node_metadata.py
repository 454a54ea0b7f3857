"""What a template says in either dialect: what it keeps, the nodes' documents, the room and the time that it takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any

from guestagent.controller.cluster import Cluster
from guestagent.controller.dialect import Dialect
from guestagent.controller.node import Node
from guestagent.controller.passwords import Passwords
from guestagent.errors import InvalidCluster
from guestagent.metadata import Document, Role, Section, Source, Tls, User
from guestagent.metadata.document import DEFAULT_PORT
from guestagent.metadata.template_functions import build_function
from guestagent.metadata.writer import dump_for_template
from guestagent.validation import Problems

CLUSTER_METADATA_VERSION = 1  # of what Begin's metadata holds
DATABASE_PORT = DEFAULT_PORT  # of every node: a cluster has no other
CA_RESOURCE = "Authority"
"""The resource that holds the CA: its text stands in a template once, and not in every node's metadata."""
HANDLES_RESOURCE = "Handles"
"""The resource between the replicas' handles and their servers: see `handles`."""

RESOURCE_LIMIT = 1000
TEMPLATE_SIZE_LIMIT = 512 * 1024
SERVER_BUILD_TIMEOUT_S = (
    600  # seconds that a cloud may take to make a server run, before the condition's clock starts
)

TemplateMapping = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DialectFunctions:
    """The functions of a template format that stand for values that only Heat knows."""

    handle: TemplateMapping
    source_address: TemplateMapping
    password: Callable[[Node], TemplateMapping]
    ca: TemplateMapping


def build_cluster_metadata(cluster: Cluster) -> TemplateMapping:
    """What nothing else in the template holds: the metadata of Begin."""
    return {
        "GuestAgentCluster": {
            "Version": CLUSTER_METADATA_VERSION,
            "NextServerId": cluster.next_server_id,
            "NextReplica": cluster.next_replica,
            "BootAllowance": cluster.boot_allowance,
            "AuthTtl": cluster.auth_ttl,
        }
    }


def build_node_metadata(cluster: Cluster, node: Node, functions: DialectFunctions) -> TemplateMapping:
    """Return the node's metadata document as its template holds it."""
    return dump_for_template(build_document(cluster, node, functions))


def build_document(cluster: Cluster, node: Node, functions: DialectFunctions) -> Document:
    """Return the node's metadata document, with functions in place of what only Heat knows."""

    def build_user(replica: Node) -> User:
        return User(replica.account, build_function(functions.password(replica)))

    handle = build_function(functions.handle)
    section = _build_section(cluster, node, functions)
    if get_role(cluster, node) is Role.SOURCE:
        users = tuple(build_user(replica) for replica in cluster.replicas)
        return Document(handle, users=users, section=section)
    source = Source(build_function(functions.source_address), build_user(node))
    return Document(handle, source=source, section=section)


def _build_section(cluster: Cluster, node: Node, functions: DialectFunctions) -> Section:
    is_source = get_role(cluster, node) is Role.SOURCE
    return Section(
        node=node.name,
        generation=node.generation,
        server_id=node.server_id,
        deadline=cluster.deadline,
        tls=None if cluster.tls is None else _build_tls(cluster.tls, functions),
        variables=cluster.variables,
        network=ip_network(cluster.replica_network) if is_source and cluster.replica_network else None,
        # In the template this also marks a rotation that has not ended.
        retain_passwords=is_source and cluster.rotating,
        # In CFN the interval is in the user data. In HOT it is not under `os-collect-config`, a key that Heat itself
        # fills: with every signal Heat merges the template's metadata into each server's own, and if that changes it,
        # a server that is being created never completes (docs/explanation/dialects.md).
        polling_interval=cluster.polling_interval if cluster.dialect is Dialect.HOT else None,
    )


def _build_tls(tls: Tls, functions: DialectFunctions) -> Tls:
    return replace(tls, ca=None if tls.ca is None else build_function(functions.ca))


def list_handles(cluster: Cluster) -> list[str]:
    """The replicas' handles, all of which must be there before a server of theirs is made or changed.

    With a signal Heat resolves every server's metadata. A handle whose URL is just being made gets a second one by
    that, and a server whose document changes while it is being made never ends (docs/explanation/dialects.md).
    """
    return [node.handle for node in cluster.replicas]


def list_parameters(cluster: Cluster) -> tuple[str, ...]:
    """The names of the template's parameters: of those nodes' passwords that Heat does not make."""
    return tuple(node.password for node in cluster) if has_parameters(cluster) else ()


def has_parameters(cluster: Cluster) -> bool:
    """Return whether the passwords are parameters, without listing them."""
    return cluster.passwords is Passwords.PARAMETERS


def get_role(cluster: Cluster, node: Node) -> Role:
    """What the node is in the cluster."""
    return Role.SOURCE if node.name == cluster.source.name else Role.REPLICA


def stack_timeout_minutes(cluster: Cluster) -> int:
    """The stack's own timeout, from its critical path: the source is built and proved, then all replicas."""
    stages = 2 if cluster.replicas else 1
    seconds = stages * (SERVER_BUILD_TIMEOUT_S + cluster.condition_timeout)
    return -(-seconds // 60)


def check_template_size(template: Mapping[str, Any], resources: int) -> None:
    """InvalidCluster where Heat has no room for the template."""
    problems = Problems()
    at = problems.open_cursor(template, "cluster")
    if resources > RESOURCE_LIMIT:
        at.add_problem(f"at most {RESOURCE_LIMIT} resources in a stack", str(resources), "take fewer nodes")
    if (size := len(json.dumps(template))) > TEMPLATE_SIZE_LIMIT:
        at.add_problem(f"a template of at most {TEMPLATE_SIZE_LIMIT} bytes", str(size), "take fewer nodes")
    problems.raise_if_any(InvalidCluster)
