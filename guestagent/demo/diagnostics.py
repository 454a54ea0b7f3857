"""Finds the failed nodes after an error, and the ends of their agents' logs."""

from __future__ import annotations

from guestagent.controller import ClusterStatus, NodeState, NodeStatus, Stacks
from guestagent.demo.checks import FailedNode
from guestagent.demo.protocols import DemoCloud
from guestagent.errors import GuestAgentError


def find_failed_nodes(cloud: DemoCloud, stacks: Stacks, stack: str) -> tuple[FailedNode, ...]:
    """Return the nodes that failed, or else those that did not become ready. Empty if the cloud does not answer."""
    try:
        statuses = tuple(_select_failed(stacks.status(stack)))
        servers = {server.node: server for server in cloud.list_servers()}
    except GuestAgentError:
        return ()
    return tuple(
        FailedNode(
            status.node.name,
            status.reason or f"it is {status.state}",
            cloud.read_agent_log(servers[status.node.name]) if status.node.name in servers else (),
        )
        for status in statuses
    )


def _select_failed(cluster_status: ClusterStatus) -> list[NodeStatus]:
    failed_nodes = [status for status in cluster_status.nodes if status.state is NodeState.FAILED]
    unfinished_states = (NodeState.BOOTING, NodeState.PROVING)
    return failed_nodes or [status for status in cluster_status.nodes if status.state in unfinished_states]
