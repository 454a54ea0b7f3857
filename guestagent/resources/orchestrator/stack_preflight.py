"""For what the creation of a stack would fail, by a look at the project: all of it at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from guestagent.controller.cluster import Cluster
from guestagent.controller.node import Node
from guestagent.controller.node_volume import StackVolume
from guestagent.controller.preflight import Preflight
from guestagent.resources.natives.inventory import ProjectInventory
from guestagent.resources.natives.preflight import find_preflight_problems
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orchestrator.client_rules import CLIENT_GROUP, build_client_rules
from guestagent.resources.views import PreflightFinding
from guestagent.resources.wanted import WantedCluster, WantedInstance, WantedVolume

VOLUME_QUOTAS = frozenset({"volumes", "gigabytes"})


def find_stack_problems(
    cluster: Cluster, preflight: Preflight, inventory: ProjectInventory
) -> tuple[PreflightFinding, ...]:
    """Return what Heat lacks, and everything for which Nova, Cinder or Neutron would refuse the resources."""
    has_volumes = any(isinstance(node.volume, StackVolume) for node in cluster)
    if not has_volumes:
        quotas = {name: quota for name, quota in inventory.quotas.items() if name not in VOLUME_QUOTAS}
        inventory = replace(inventory, quotas=quotas, default_type=None)
    return (
        *_list_missing(preflight),
        *find_preflight_problems(build_wanted_cluster(cluster), inventory),
    )


def build_wanted_cluster(cluster: Cluster) -> WantedCluster:
    """Return what the stack takes of the project, as NATIVES would want it. Only for counting."""
    return WantedCluster(
        name="preflight",
        network=cluster.network or "",
        subnet=cluster.subnet,
        key_pair=cluster.key_pair,
        instances=tuple(map(_build_instance, cluster)),
        groups={CLIENT_GROUP: frozenset(build_client_rules(cluster))},
        next_server_id=cluster.next_server_id,
        next_replica=cluster.next_replica,
    )


def _build_instance(node: Node) -> WantedInstance:
    volume = node.volume if isinstance(node.volume, StackVolume) else None
    return WantedInstance(
        name=node.name,
        flavor=node.flavor,
        image=node.image,
        volume=WantedVolume(0) if volume is None else WantedVolume(volume.size_gib, volume.volume_type),
        server_id=node.server_id,
        zone=node.zone,
    )


def _list_missing(preflight: Preflight) -> Iterator[PreflightFinding]:
    for missing in preflight.missing:
        yield PreflightFinding(
            RefusalCode.UNSUPPORTED, f"this cloud lacks for {preflight.dialect}: {missing}"
        )
