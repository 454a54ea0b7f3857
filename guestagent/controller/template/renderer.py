"""A cluster as a template in the dialect that it has."""

from __future__ import annotations

from typing import Any

from guestagent.controller.cluster import Cluster
from guestagent.controller.dialect import Dialect
from guestagent.controller.template import cfn, hot

RENDERERS = {Dialect.CFN: cfn.render_cfn, Dialect.HOT: hot.render_hot}


def render(cluster: Cluster) -> dict[str, Any]:
    """The template, a plain dictionary ready for JSON and YAML; InvalidCluster where Heat has no room."""
    return RENDERERS[cluster.dialect](cluster)
