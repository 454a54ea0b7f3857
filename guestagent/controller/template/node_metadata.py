"""The parts of a template that do not depend on its format: metadata, parameters, size and timeout."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

from guestagent.controller.cluster import Cluster
from guestagent.controller.dialect import Dialect
from guestagent.controller.node import Node
from guestagent.controller.passwords import Passwords
from guestagent.controller.seed import DONOR_KEY
from guestagent.controller.template.node_values import DialectFunctions, NodeValues, TemplateMapping
from guestagent.controller.template.seeding_metadata import (
    build_donor_service,
    build_seeding,
    build_seeding_metadata,
)
from guestagent.metadata import Document, Role, Section, Source, Tls, User
from guestagent.metadata.document import DEFAULT_PORT
from guestagent.metadata.writer import dump_for_template

CLUSTER_METADATA_VERSION = 1  # of the metadata of Begin
DATABASE_PORT = DEFAULT_PORT  # of every node: a cluster has no other
CA_RESOURCE = "Authority"
"""The resource with the CA, so that its text is in a template once, and not in every node's metadata."""
VERIFICATION_PASSWORD = "VerificationPassword"  # noqa: S105 - the name of a resource or parameter


def build_cluster_metadata(cluster: Cluster) -> TemplateMapping:
    """Build the metadata of Begin: those settings that are nowhere else in the template."""
    return {
        "GuestAgentCluster": {
            "Version": CLUSTER_METADATA_VERSION,
            "NextServerId": cluster.next_server_id,
            "NextReplica": cluster.next_replica,
            "BootAllowance": cluster.boot_allowance,
            "AuthTtl": cluster.auth_ttl,
            **build_seeding_metadata(cluster.seeding),
        }
    }


def build_node_metadata(cluster: Cluster, node: Node, functions: DialectFunctions) -> TemplateMapping:
    """Return the node's metadata document as its template holds it."""
    return dump_for_template(build_document(cluster, node, functions.build_values()))


def build_document(cluster: Cluster, node: Node, values: NodeValues) -> Document:
    """Return the node's metadata document: the one way from a cluster to what its nodes read."""

    def build_user(replica: Node) -> User:
        return User(replica.account, values.get_password(replica.password))

    section = _build_section(cluster, node, values)
    if get_role(cluster, node) is Role.SOURCE:
        users = tuple(build_user(replica) for replica in cluster.replicas)
        return Document(values.handle, users=users, section=section)
    source = Source(values.source_address, build_user(node))
    return Document(values.handle, source=source, section=section)


def _build_section(cluster: Cluster, node: Node, values: NodeValues) -> Section:
    is_source = get_role(cluster, node) is Role.SOURCE
    return Section(
        node=node.name,
        generation=node.generation,
        server_id=node.server_id,
        deadline=cluster.deadline,
        tls=None if cluster.tls is None else _build_tls(cluster.tls, values),
        variables=cluster.variables,
        network=ip_network(cluster.replica_network) if is_source and cluster.replica_network else None,
        # In the template this also marks a rotation that has not ended.
        retain_passwords=is_source and cluster.rotating,
        # In CFN the interval is in the user data. In HOT it is not under `os-collect-config`, a key that Heat itself
        # fills: with every signal Heat merges the template's metadata into each server's own, and if that changes it,
        # a server that is being created never completes (docs/explanation/dialects.md).
        polling_interval=cluster.polling_interval if cluster.dialect is Dialect.HOT else None,
        volume=node.volume,
        seeding=build_seeding(cluster, node, values),
        donor=build_donor_service(cluster, values) if is_source else None,
        verification=None
        if cluster.verification is None
        else User(cluster.verification, values.get_password(VERIFICATION_PASSWORD)),
    )


def _build_tls(tls: Tls, values: NodeValues) -> Tls:
    return replace(tls, ca=None if tls.ca is None else values.get_text(CA_RESOURCE))


def list_special_passwords(cluster: Cluster) -> tuple[str, ...]:
    """List the resources or parameters with the passwords of donor accounts and of the one for verification."""
    donor_names = [name for node in cluster.joining_replicas if (name := node.donor_password)]
    return (*donor_names, *(() if cluster.verification is None else (VERIFICATION_PASSWORD,)))


def list_parameters(cluster: Cluster) -> tuple[str, ...]:
    """List the template's parameters: the passwords, unless Heat generates them, and the key of the donor's port."""
    node_passwords = (node.password for node in cluster)
    passwords = (*node_passwords, *list_special_passwords(cluster)) if has_parameters(cluster) else ()
    return (*passwords, *(() if cluster.donor_certificate is None else (DONOR_KEY,)))


def has_parameters(cluster: Cluster) -> bool:
    """Return whether the passwords are parameters."""
    return cluster.passwords is Passwords.PARAMETERS


def get_role(cluster: Cluster, node: Node) -> Role:
    """Return the role of a node."""
    return Role.SOURCE if node.name == cluster.source.name else Role.REPLICA
