"""Would Heat replace a server or a volume in the next update? Then the update is not sent. Pure.

Heat replaces a resource whose last action has failed: a volume in `error` by an empty one, a server in ERROR by a new
one with an empty disk. For both it looks at the real status, and without that this guard expects the worst.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from guestagent.controller.cluster import Cluster
from guestagent.controller.dialect import Dialect
from guestagent.controller.heat_api import Resource
from guestagent.controller.node import Node
from guestagent.controller.node_volume import StackVolume
from guestagent.errors import CloudRefused, InvalidCluster
from guestagent.validation import Problems

LOST_SERVER_STATUSES = frozenset({"ERROR", "DELETED", "SOFT_DELETED"})
LOST_VOLUME_STATUSES = frozenset({"error", "deleting"})
CHECK_FAILED = "CHECK_FAILED"
CREATE_FAILED = "CREATE_FAILED"


@dataclass(frozen=True, slots=True)
class FailedHardware:
    """A server or volume whose last action in Heat has failed. `status` is the real one, None if there is none.

    `is_known`: the real status has been read.
    """

    resource: Resource
    node: Node
    is_volume: bool
    status: str | None = None
    is_known: bool = False


def list_failed_hardware(cluster: Cluster, resources: Iterable[Resource]) -> Iterator[FailedHardware]:
    """List the servers and volumes of the cluster's nodes whose last action has failed."""
    by_name = {resource.name: resource for resource in resources}
    for node in cluster:
        for name, is_volume in ((node.name, False), (node.volume_resource, True)):
            resource = by_name.get(name)
            if resource is not None and resource.status.endswith("_FAILED"):
                yield FailedHardware(resource, node, is_volume)


def check_replacements(cluster: Cluster, failures: Iterable[FailedHardware]) -> None:
    """Raise CloudRefused if Heat would replace one of them, and with it data."""
    reasons = [_describe(cluster, failed) for failed in failures if would_replace(cluster, failed)]
    if reasons:
        raise CloudRefused(f"the update was not sent, because Heat would replace {'; '.join(reasons)}")


def would_replace(cluster: Cluster, failed: FailedHardware) -> bool:
    """Return whether Heat would replace it, and lose data or fail by that.

    A server that was never created holds nothing, and its replacement is the way out, unless it has a volume: Cinder
    gives that to no second server.
    """
    is_never_created = failed.resource.status == CREATE_FAILED
    if is_never_created and not isinstance(failed.node.volume, StackVolume):
        return False
    if failed.resource.status == CHECK_FAILED or not failed.is_known:
        return True
    if cluster.dialect is Dialect.CFN and not failed.is_volume:
        return True  # of Amazon's type Heat does not look at the real status
    lost = LOST_VOLUME_STATUSES if failed.is_volume else LOST_SERVER_STATUSES
    return failed.status is None or failed.status in lost


def check_volume_changes(before: Cluster, after: Cluster) -> None:
    """Raise InvalidCluster if a node that stays would get another server or volume by its description."""
    problems = Problems()
    nodes = {node.name: node for node in after}
    for old in before:
        new = nodes.get(old.name)
        if new is None:
            continue
        kinds = [isinstance(node.volume, StackVolume) for node in (old, new)]
        if old.zone != new.zone:
            do = "Heat would replace the server: add a replica, and remove this node"
            problems.add(f"{old.name}.zone", f"{old.zone!r} for a node that exists", repr(new.zone), do)
        path = f"{old.name}.volume"
        if kinds[0] != kinds[1]:
            found = "one" if kinds[1] else "none"
            do = "Heat would replace the server: add a replica, and remove this node"
            problems.add(path, "no change of a node that exists", found, do)
        elif isinstance(old.volume, StackVolume) and isinstance(new.volume, StackVolume):
            if old.volume.volume_type != new.volume.volume_type:
                found = repr(new.volume.volume_type)
                problems.add(f"{path}.type", f"{old.volume.volume_type!r}, as it was made", found)
            if old.image != new.image:
                do = "Heat would create the new server before the old one has released the volume"
                problems.add(
                    f"{old.name}.image", f"{old.image!r} for a node with a volume", repr(new.image), do
                )
    problems.raise_if_any(InvalidCluster)


def _describe(cluster: Cluster, failed: FailedHardware) -> str:
    """Say what it is, how it is, and the way out."""
    kind = "volume" if failed.is_volume else "server"
    status = f"{failed.status or 'gone'} in the cloud" if failed.is_known else "in an unknown state"
    text = f"the {kind} {failed.resource.name} ({failed.resource.status} in Heat, {status})"
    return f"{text}: {_choose_way_out(cluster, failed)}"


def _choose_way_out(cluster: Cluster, failed: FailedHardware) -> str:
    name = failed.node.name
    is_source = cluster.is_source(name)
    if failed.resource.status == CREATE_FAILED:
        return "delete the stack" if is_source else f"remove {name}, or delete the stack"
    surrender = "create a new cluster" if is_source else f"remove {name} and add a replica"
    if failed.is_known and failed.status is None:
        return surrender
    reset = f"openstack stack resource mark unhealthy --reset STACK {failed.resource.name}"
    if failed.resource.status == CHECK_FAILED:
        return f"if it works, run `{reset}`, else {surrender}"
    if cluster.dialect is Dialect.CFN and not failed.is_volume:
        return f"if it works, mark it unhealthy in Heat and run `{reset}`, else {surrender}"
    return f"mend it in the cloud, or {surrender}"
