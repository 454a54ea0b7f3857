"""The parts of a template that do not depend on its format: metadata, parameters, size and timeout."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

from guestagent.controller.cluster import Cluster
from guestagent.controller.dialect import Dialect
from guestagent.controller.external_source import SOURCE_PASSWORD, ExternalSource
from guestagent.controller.follower import Follower
from guestagent.controller.node import Node
from guestagent.controller.node_volume import StackVolume
from guestagent.controller.passwords import Passwords
from guestagent.controller.seed import DONOR_KEY
from guestagent.controller.template.follower_metadata import build_follower_metadata, list_shared_passwords
from guestagent.controller.template.node_values import DialectFunctions, NodeValues, TemplateMapping
from guestagent.controller.template.seeding_metadata import (
    build_donor_service,
    build_seeding,
    build_seeding_metadata,
)
from guestagent.metadata import DataVolume, Document, Role, Section, Source, Tls, User
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
            **build_follower_metadata(cluster),
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
        followers = (_build_follower_user(follower, values) for follower in cluster.followers)
        users = (*(build_user(replica) for replica in cluster.replicas), *followers)
        return Document(values.handle, users=users, section=section)
    if isinstance(cluster.source, ExternalSource):
        account = User(cluster.source.account, values.get_password(SOURCE_PASSWORD))
        source = Source(cluster.source.address, account, cluster.source.port)
    else:
        assert values.source_address is not None, "the cluster has a source of its own"
        source = Source(values.source_address, build_user(node))
    return Document(values.handle, source=source, section=section)


def _build_follower_user(follower: Follower, values: NodeValues) -> User:
    return User(follower.account, values.get_password(follower.password), follower.ip_network)


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
        volume=_build_volume(node, values),
        seeding=build_seeding(cluster, node, values),
        donor=build_donor_service(cluster, values) if is_source else None,
        verification=None
        if cluster.verification is None
        else User(cluster.verification, values.get_password(VERIFICATION_PASSWORD)),
    )


def _build_volume(node: Node, values: NodeValues) -> DataVolume | None:
    """Build the volume in the document. It stays declared as new: one that has data is never formatted."""
    if not isinstance(node.volume, StackVolume):
        return node.volume
    assert values.volume_id is not None, "only a format that can make volumes renders a StackVolume"
    return DataVolume(values.volume_id, node.volume.size_gib, is_new=True)


def _build_tls(tls: Tls, values: NodeValues) -> Tls:
    return replace(tls, ca=None if tls.ca is None else values.get_text(CA_RESOURCE))


def list_special_passwords(cluster: Cluster) -> tuple[str, ...]:
    """List the resources or parameters with the passwords of donor accounts and of the one for verification."""
    donor_names = [name for node in cluster.joining_replicas if (name := node.donor_password)]
    return (*donor_names, *(() if cluster.verification is None else (VERIFICATION_PASSWORD,)))


def list_parameters(cluster: Cluster) -> tuple[str, ...]:
    """List the template's parameters: passwords that Heat does not generate, and the key of the donor's port."""
    own_passwords = (*list_node_passwords(cluster), *list_special_passwords(cluster))
    return (
        *(own_passwords if has_parameters(cluster) else ()),
        *list_shared_passwords(cluster).values(),
        *(() if cluster.donor_certificate is None else (DONOR_KEY,)),
    )


def list_node_passwords(cluster: Cluster) -> tuple[str, ...]:
    """List the resources or parameters with the passwords of the nodes' accounts: none if the source is external.

    Every node has one from the start: its role may change, its password must not.
    """
    return () if isinstance(cluster.source, ExternalSource) else tuple(node.password for node in cluster)


def is_parameter(cluster: Cluster, password: str) -> bool:
    """Return whether the password of this name is a parameter, and not a resource."""
    return has_parameters(cluster) or password in list_shared_passwords(cluster).values()


def has_parameters(cluster: Cluster) -> bool:
    """Return whether the passwords of the cluster's own accounts are parameters."""
    return cluster.passwords is Passwords.PARAMETERS


def get_role(cluster: Cluster, node: Node) -> Role:
    """Return the role of a node."""
    return Role.SOURCE if cluster.is_source(node.name) else Role.REPLICA
