"""After something went wrong: which nodes are not what they should be, and what their agents said last."""

from __future__ import annotations

from guestagent.controller import ClusterStatus, NodeState, NodeStatus, Stacks
from guestagent.demo.findings import Failing
from guestagent.demo.stage import Stage
from guestagent.errors import GuestAgentError


def failing(stage: Stage, stacks: Stacks, stack: str) -> tuple[Failing, ...]:
    """The nodes that failed, or else those that never came to be ready. None where the cloud does not tell."""
    try:
        blamed = tuple(_blamed(stacks.status(stack)))
        servers = {server.node: server for server in stage.servers()}
    except GuestAgentError:
        return ()
    return tuple(
        Failing(
            status.node.name,
            status.reason or f"it is {status.state}",
            stage.agent_log(servers[status.node.name]) if status.node.name in servers else (),
        )
        for status in blamed
    )


def _blamed(seen: ClusterStatus) -> list[NodeStatus]:
    failed = [status for status in seen.nodes if status.state is NodeState.FAILED]
    begun = (NodeState.BOOTING, NodeState.PROVING)
    return failed or [status for status in seen.nodes if status.state in begun]
