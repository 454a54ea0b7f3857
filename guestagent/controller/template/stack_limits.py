"""Heat's limits on a stack: the timeout along its critical path, the size of its template. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from guestagent.controller.cluster import Cluster
from guestagent.controller.dialect import Dialect
from guestagent.controller.node import Node
from guestagent.controller.node_volume import StackVolume
from guestagent.errors import InvalidCluster
from guestagent.validation import Problems

RESOURCE_LIMIT = 1000

TEMPLATE_SIZE_LIMIT = 512 * 1024

SERVER_BUILD_TIMEOUT_S = 600  # until a server runs; the time of its condition begins after that


def stack_timeout_minutes(cluster: Cluster) -> int:
    """Return the stack's timeout along its critical path: the source gets ready, then all replicas at once."""
    stages = [cluster.condition_timeout] if isinstance(cluster.source, Node) else []
    if cluster.replicas:
        # A replica that has joined keeps its timeout until its next generation; nothing waits for it any more.
        joining = [cluster.get_condition_timeout(node) for node in cluster.joining_replicas]
        stages.append(max([cluster.condition_timeout, *joining]))
    seconds = sum(SERVER_BUILD_TIMEOUT_S + timeout for timeout in stages)
    return -(-seconds // 60)


def check_seed_times(cluster: Cluster) -> None:
    """Raise InvalidCluster if a seed may take longer than Heat waits, or than the node can signal."""
    problems = Problems()
    limit_s = cluster.seed_clock.limit_s
    for node in cluster:
        if node.seed is not None and node.seed.deadline > limit_s:
            path = f"{node.name}.seed.deadline"
            problems.add(path, f"at most {limit_s} s beside the other times", f"{node.seed.deadline} s")
    problems.raise_if_any(InvalidCluster)


def check_volume_support(cluster: Cluster) -> None:
    """Raise InvalidCluster if the stack would have to make volumes in CFN."""
    problems = Problems()
    for node in cluster:
        if isinstance(node.volume, StackVolume) and cluster.dialect is Dialect.CFN:
            do = "unsupported: Amazon's type for a volume cannot grow. Use dialect hot"
            problems.add(f"{node.name}.volume", "no data volume in CFN", "one", do)
    problems.raise_if_any(InvalidCluster)


def check_template_size(template: Mapping[str, Any], resources: int) -> None:
    """Raise InvalidCluster if the template is too large for Heat."""
    problems = Problems()
    cursor = problems.open_cursor(template, "cluster")
    if resources > RESOURCE_LIMIT:
        cursor.add_problem(
            f"at most {RESOURCE_LIMIT} resources in a stack", str(resources), "take fewer nodes"
        )
    if (size := len(json.dumps(template))) > TEMPLATE_SIZE_LIMIT:
        cursor.add_problem(
            f"a template of at most {TEMPLATE_SIZE_LIMIT} bytes", str(size), "take fewer nodes"
        )
    problems.raise_if_any(InvalidCluster)
