"""The checks of the demo, and its result. Each check returns a sentence for every problem."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from guestagent.controller import ClusterStatus, NodeState
from guestagent.resources.views import InstanceState, InstanceView


@dataclass(frozen=True, slots=True)
class FailedNode:
    """A failed node: Heat's reason, and the end of its agent's log."""

    node: str
    reason: str
    log: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The result of the demo, which passed if there are no problems.

    `status` is the last status of the cluster, or None if there was none. `exit_code` is that of the error that ended
    the demo early, or 0.
    """

    rows: int
    problems: tuple[str, ...] = ()
    status: ClusterStatus | None = None
    failed_nodes: tuple[FailedNode, ...] = ()
    exit_code: int = 0


def check_acknowledged_rows(node: str, acknowledged: int, rows: frozenset[int]) -> tuple[str, ...]:
    """Check that the node has every acknowledged row."""
    missing = sorted(set(range(1, acknowledged + 1)) - rows)
    if not missing:
        return ()
    return (f"{node} lacks {len(missing)} of {acknowledged} acknowledged rows, the first is {missing[0]}",)


def check_replica_rows(node: str, source_rows: frozenset[int], rows: frozenset[int]) -> tuple[str, ...]:
    """Check that a replica has exactly the rows of the source, after writing has stopped."""
    if rows == source_rows:
        return ()
    missing, surplus = source_rows - rows, rows - source_rows
    return (f"{node} lacks {len(missing)} rows of the source and has {len(surplus)} of its own",)


def check_new_rows(node: str, count_before: int, count: int) -> tuple[str, ...]:
    """Check that a replica received rows while the stack was being updated."""
    if count > count_before:
        return ()
    return (f"{node} showed no row that was written while the stack was being updated",)


def check_removed_servers(nodes: Iterable[str]) -> tuple[str, ...]:
    """Report the nodes whose servers should have been deleted."""
    return tuple(f"the server of {node} still exists" for node in nodes)


def check_node_states(status: ClusterStatus) -> tuple[str, ...]:
    """Check that every node is ready according to Heat."""
    states = ((node.node.name, node.state) for node in status.nodes)
    return tuple(f"{name} is {state}" for name, state in states if state is not NodeState.READY)


def check_instance_states(views: Iterable[InstanceView]) -> tuple[str, ...]:
    """Check that every instance is ready according to the resource manager."""
    return tuple(f"{view.name} is {view.state}" for view in views if view.state is not InstanceState.READY)


def check_grown_volume(node: str, size_gib: int, proved_gib: float | None) -> tuple[str, ...]:
    """Check that a node has proved the size of its volume, but for what the file system takes."""
    if proved_gib is not None and proved_gib > size_gib * 0.9:
        return ()
    return (f"{node} has proved {proved_gib or 0:.1f} GiB of a volume of {size_gib} GiB",)


def check_owner(cluster: str, wanted: str, found: str) -> tuple[str, ...]:
    """Check the engine that has a cluster."""
    return () if wanted == found else (f"{cluster} belongs to {found}, not to {wanted}",)


def check_flavor(node: str, wanted: str, found: str) -> tuple[str, ...]:
    """Check the flavor of a node after its resize."""
    return () if wanted == found else (f"{node} has the flavor {found}, not {wanted}",)


def check_dangerous_reads(reads: Iterable[str]) -> tuple[str, ...]:
    """Report reads by guestagent that can break a real stack in progress."""
    all_reads = tuple(reads)
    if not all_reads:
        return ()
    return (f"{len(all_reads)} unsafe reads of a stack in progress, the first: {all_reads[0]}",)


def check_seeds(seeded_nodes: frozenset[str]) -> tuple[str, ...]:
    """Return a problem if no replica got its data by a copy."""
    return () if seeded_nodes else ("the new replica got no copy of the source's data",)
