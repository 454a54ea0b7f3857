"""After something went wrong: which nodes are not what they should be, and what their agents said last."""

from __future__ import annotations

from guestagent.controller import ClusterStatus, NodeState, NodeStatus, Stacks
from guestagent.demo.checks import FailedNode
from guestagent.demo.protocols import DemoCloud
from guestagent.errors import GuestAgentError


def find_failed_nodes(stage: DemoCloud, stacks: Stacks, stack: str) -> tuple[FailedNode, ...]:
    """The nodes that failed, or else those that never came to be ready. None where the cloud does not tell."""
    try:
        blamed = tuple(_blamed(stacks.status(stack)))
        servers = {server.node: server for server in stage.list_servers()}
    except GuestAgentError:
        return ()
    return tuple(
        FailedNode(
            status.node.name,
            status.reason or f"it is {status.state}",
            stage.read_agent_log(servers[status.node.name]) if status.node.name in servers else (),
        )
        for status in blamed
    )


def _blamed(seen: ClusterStatus) -> list[NodeStatus]:
    failed = [status for status in seen.nodes if status.state is NodeState.FAILED]
    begun = (NodeState.BOOTING, NodeState.PROVING)
    return failed or [status for status in seen.nodes if status.state in begun]
