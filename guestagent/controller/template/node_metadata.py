"""What a template says in either dialect: what it keeps, the nodes' documents, the room and the time that it takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from guestagent.controller.cluster import Cluster
from guestagent.controller.node import Node
from guestagent.controller.passwords import Passwords
from guestagent.errors import InvalidCluster
from guestagent.metadata import Role, Tls
from guestagent.validation import Problems

CLUSTER_METADATA_VERSION = 1  # of what Begin's metadata holds
SECTION_VERSION = 1  # of the GuestAgent section in the nodes' metadata
DATABASE_PORT = 3306
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
    """The functions of a dialect by which a node's document names what only Heat knows."""

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
    """The node's document, its functions unresolved; the agent's half of the contract reads it."""
    section: dict[str, Any] = {
        "Version": SECTION_VERSION,
        "Node": node.name,
        "Generation": node.generation,
        "ServerId": node.server_id,
        "Deadline": cluster.deadline,
    }

    if cluster.tls is not None:
        section["TLS"] = _tls(cluster.tls, functions.ca)
    if cluster.variables:
        section["Variables"] = dict(cluster.variables)

    def account(replica: Node) -> TemplateMapping:
        return {"name": replica.account, "password": functions.password(replica)}

    said: TemplateMapping = {"ReadyWaitCondition": functions.handle, "GuestAgent": section}
    if get_role(cluster, node) is Role.REPLICA:
        return said | {
            "Master": {"Address": functions.source_address, "Port": DATABASE_PORT, "User": account(node)}
        }
    if cluster.replica_network is not None:
        section["Network"] = cluster.replica_network
    if cluster.rotating:
        section["RetainPasswords"] = (
            True  # what tells whoever reads the template that a rotation is not ended
        )
    users = [account(replica) for replica in cluster.replicas]
    return said | ({"Users": users} if users else {})


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


def _tls(tls: Tls, ca: TemplateMapping) -> TemplateMapping:
    said: TemplateMapping = {} if tls.required else {"Required": False}
    said |= {} if tls.ca is None else {"CA": ca}
    return said if tls.verify else said | {"Verify": False}


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
