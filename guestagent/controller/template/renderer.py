"""Renders a cluster as a template in the format of its `dialect`."""

from __future__ import annotations

from typing import Any

from guestagent.controller.cluster import Cluster
from guestagent.controller.dialect import Dialect
from guestagent.controller.template.cfn import render_cfn
from guestagent.controller.template.hot import render_hot
from guestagent.controller.template.stack_limits import check_seed_times, check_volume_support

RENDERERS = {Dialect.CFN: render_cfn, Dialect.HOT: render_hot}


def render(cluster: Cluster) -> dict[str, Any]:
    """Return the template, a plain dictionary for JSON or YAML. Raise InvalidCluster if it exceeds Heat's limits."""
    check_seed_times(cluster)
    check_volume_support(cluster)
    return RENDERERS[cluster.dialect](cluster)
