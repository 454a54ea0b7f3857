"""The order of handles and servers in a template: all handles of replicas exist before any replica's server."""

from __future__ import annotations

from guestagent.controller.cluster import Cluster
from guestagent.controller.external_source import ExternalSource
from guestagent.controller.node import Node
from guestagent.controller.template.seeding_metadata import list_rule_names

HANDLES_RESOURCE = "Handles"
"""The resource between the replicas' handles and their servers: see `list_handles`."""


def list_handles(cluster: Cluster) -> list[str]:
    """List the replicas' handles, all of which must exist before a replica's server is created or changed.

    So must the rules that open the donor's port.

    With every signal Heat resolves the metadata of all servers. A handle whose URL is being created then gets a second
    one, and a server whose metadata changes while it is being created never completes (docs/explanation/dialects.md).
    """
    return [*(node.handle for node in cluster.replicas), *list_rule_names(cluster)]


def list_server_dependencies(cluster: Cluster, node: Node) -> list[str]:
    """List the resources that must exist before the node's server: for a replica the one that waits for all handles."""
    return [] if cluster.is_source(node.name) else [HANDLES_RESOURCE]


def list_handle_dependencies(cluster: Cluster, node: Node) -> list[str] | str:
    """List what must be there before the node's handle.

    A handle's URL expires some time after its creation, so a replica's is created when its source is ready. Nobody
    waits for an external source: it is there.
    """
    if cluster.is_source(node.name) or isinstance(cluster.source, ExternalSource):
        return "Begin"
    return [cluster.source.condition]
