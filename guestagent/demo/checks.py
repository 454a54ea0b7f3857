"""What a play found, and the sentences for what did not hold: decided from numbers, without a look at anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from guestagent.controller import ClusterStatus, NodeState


@dataclass(frozen=True, slots=True)
class FailedNode:
    """A node that is not what it should be: why, as far as Heat knows, and what its agent said last."""

    node: str
    reason: str
    log: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DemoResult:
    """It held where there are no problems. `status` is the cluster's last one; None where it came to none.

    `broken` is the exit code of the error that broke it off, 0 where none did.
    """

    rows: int
    problems: tuple[str, ...] = ()
    status: ClusterStatus | None = None
    failed_nodes: tuple[FailedNode, ...] = ()
    exit_code: int = 0


def check_acknowledged_rows(node: str, acknowledged: int, seen: frozenset[int]) -> tuple[str, ...]:
    """Acknowledged rows that the node does not show."""
    lost = sorted(set(range(1, acknowledged + 1)) - seen)
    if not lost:
        return ()
    return (f"{node} lacks {len(lost)} of {acknowledged} acknowledged rows, the first is {lost[0]}",)


def check_replica_rows(node: str, source: frozenset[int], seen: frozenset[int]) -> tuple[str, ...]:
    """A replica that, with nobody writing any more, is not what the source is."""
    if seen == source:
        return ()
    return (f"{node} lacks {len(source - seen)} rows of the source and has {len(seen - source)} of its own",)


def check_new_rows(node: str, before: int, shown: int) -> tuple[str, ...]:
    """A replica that showed nothing new while the stack was at work."""
    if shown > before:
        return ()
    return (f"{node} showed no row that was written while the stack was at work",)


def check_removed_servers(nodes: Iterable[str]) -> tuple[str, ...]:
    """Servers that should be gone."""
    return tuple(f"the server of {node} is still there" for node in nodes)


def check_node_states(status: ClusterStatus) -> tuple[str, ...]:
    """Nodes that Heat does not call ready."""
    seen = ((node.node.name, node.state) for node in status.nodes)
    return tuple(f"{name} is {state}" for name, state in seen if state is not NodeState.READY)


def check_dangerous_reads(reads: Iterable[str]) -> tuple[str, ...]:
    """Reads of ours that a real stack in progress might not have survived."""
    told = tuple(reads)
    return (f"{len(told)} dangerous reads of a stack in progress, the first: {told[0]}",) if told else ()
