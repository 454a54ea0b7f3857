"""What a change of a stack needs for the replicas that join: which have joined, the source's size, a certificate."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from guestagent.byte_units import GIB
from guestagent.controller.cluster import Cluster
from guestagent.controller.heat_api import Resource
from guestagent.controller.node import Node
from guestagent.controller.seed import NodeSeed, SourceSize, plan_seed
from guestagent.errors import InvalidCluster, Problem, build_missing_extra_error
from guestagent.metadata.limits import SIZE_LIMIT_BYTES
from guestagent.secret import Secret

METHODS_BY_FAMILY = {"mysql": "clone", "mariadb": "backup"}
"""The method that the other family does not have."""


def end_seeds(cluster: Cluster, names: Collection[str]) -> Cluster:
    """End the seeds of these replicas, which have joined: the source needs their donor accounts no more."""
    replicas = tuple(
        replace(node, seed=node.seed.end()) if node.name in names and node.seed is not None else node
        for node in cluster.replicas
    )
    return replace(cluster, replicas=replicas)


def find_joined_replicas(cluster: Cluster, resources: Iterable[Resource]) -> set[str]:
    """Return the replicas that have proved themselves in their present generation."""
    proved = {resource.name for resource in resources if resource.status.endswith("_COMPLETE")}
    return {node.name for node in cluster.replicas if node.condition in proved}


def read_source_size(evidence: object) -> SourceSize:
    """Read the size of a source from its evidence, which was measured when it became ready."""
    if not isinstance(evidence, dict):
        return SourceSize(is_measured=True)
    family = evidence.get("family")
    return SourceSize(
        _read_bytes(evidence.get("data_bytes")),
        _read_bytes(evidence.get("log_bytes")),
        family.lower() if isinstance(family, str) else "",
        is_measured=True,
        disk_bytes=_read_bytes(evidence.get("disk_bytes")),
        measured_at=_read_time(evidence.get("measured_at")),
    )


def has_unplanned_seeds(cluster: Cluster, before: Cluster) -> bool:
    """Return whether a seed begins whose size nobody has given."""
    return any(True for _ in _list_unplanned_seeds(cluster, before))


def plan_new_seeds(cluster: Cluster, before: Cluster, size: SourceSize) -> Cluster:
    """Give each new seed the size of the source, and the time that follows from it.

    Raise InvalidCluster if Heat's clocks do not allow that time, or if the source does not have the cluster's method.
    """
    method = cluster.seeding.method
    own_method = METHODS_BY_FAMILY.get(size.family)
    if method in METHODS_BY_FAMILY.values() and own_method not in (None, method):
        do = "seeding: {method: auto} finds the method that suits the servers"
        raise InvalidCluster(
            [Problem("seeding.method", f"auto, {own_method} or dump on {size.family}", method, do)]
        )
    size = _allow_for_volume(size, cluster.own_source)
    planned = {
        name: plan_seed(seed, cluster.seed_clock, cluster.seeding, size)
        for name, seed in _list_unplanned_seeds(cluster, before)
    }
    replicas = (
        replace(node, seed=planned[node.name]) if node.name in planned else node for node in cluster.replicas
    )
    return replace(cluster, replicas=tuple(replicas))


def provide_certificate(cluster: Cluster) -> tuple[Cluster, Secret | None]:
    """Return the cluster with a certificate for the donor's port, if it needs one, and the key if it is a new one.

    With a CA, the donor presents its database server's own.
    """
    has_ca = cluster.tls is not None and cluster.tls.ca is not None
    if not cluster.joining_replicas or has_ca:
        return replace(cluster, donor_certificate=None), None
    try:
        from guestagent.controller.donor_certificate import create_certificate, is_expiring
    except ImportError as error:
        raise build_missing_extra_error(str(error.name), "controller") from error
    if cluster.donor_certificate is not None and not is_expiring(cluster.donor_certificate):
        return cluster, None
    created = create_certificate(cluster.own_source.name)
    return replace(cluster, donor_certificate=created.certificate), created.key


def _list_unplanned_seeds(cluster: Cluster, before: Cluster) -> Iterator[tuple[str, NodeSeed]]:
    """List seeds of new generations without a size. A condition that exists must not get another Timeout."""
    generations = {(node.name, node.generation) for node in before}
    for node in cluster.joining_replicas:
        is_new = (node.name, node.generation) not in generations
        if is_new and node.seed is not None and node.seed.data_bytes is None:
            yield node.name, node.seed


def _allow_for_volume(size: SourceSize, source: Node) -> SourceSize:
    """Return the size with the disk that the data volume may have become since it was measured."""
    if size.disk_bytes is None or source.volume is None:
        return size
    return replace(size, disk_bytes=max(size.disk_bytes, source.volume.size_gib * GIB))


def _read_time(value: object) -> str:
    """Return a time in ISO 8601 with its zone; "" if it is anything else."""
    try:
        is_time = isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        is_time = False
    return str(value) if is_time else ""


def _read_bytes(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= SIZE_LIMIT_BYTES else None
