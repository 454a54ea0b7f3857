"""A cluster as a template in the dialect that it has."""

from __future__ import annotations

from typing import Any

from guestagent.controller.cluster import Cluster
from guestagent.controller.dialect import Dialect
from guestagent.controller.template.cfn import render_cfn
from guestagent.controller.template.hot import render_hot

RENDERERS = {Dialect.CFN: render_cfn, Dialect.HOT: render_hot}


def render(cluster: Cluster) -> dict[str, Any]:
    """The template, a plain dictionary ready for JSON and YAML; InvalidCluster where Heat has no room."""
    return RENDERERS[cluster.dialect](cluster)
