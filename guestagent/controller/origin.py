"""A template of other people's in the origin's shape, read for what its author wanted: servers and who follows whom.

The template of 2013 was published with its wiring the wrong way round. What is wrong is said, and left behind.
"""

from __future__ import annotations

from guestagent.controller.cluster import Cluster
from guestagent.controller.lint import lint
from guestagent.controller.node import Node
from guestagent.controller.render.words import CFN, spoken
from guestagent.errors import InvalidTemplate, Problem
from guestagent.problems import Cursor, Problems


def is_ours(template: object) -> bool:
    """Whether `render` made the template, however it was changed since: `parse` must read that one."""
    words = spoken(template)
    value: object = template
    for key in (words.resources, "Begin", words.metadata, "GuestAgentCluster"):
        value = value.get(key) if isinstance(value, dict) else None
    return value is not None


def adopt(template: object) -> tuple[Cluster, tuple[Problem, ...]]:
    """A new cluster of the same servers, and all that Heat would have refused in the template.

    Names, server ids and passwords are new, and nothing but flavors, images and roles is taken over: this is for a
    stack of its own. InvalidTemplate where there is no such cluster in it.
    """
    problems = Problems()
    at = problems.cursor(template)
    found = template.get(CFN.resources) if isinstance(template, dict) else None
    servers = [
        (name, resource)
        for name, resource in (found.items() if isinstance(found, dict) else ())
        if isinstance(resource, dict) and resource.get("Type") == CFN.server
    ]
    sources = [_node(at, name, resource) for name, resource in servers if not _follows(resource)]
    replicas = [_node(at, name, resource) for name, resource in servers if _follows(resource)]
    if len(sources) != 1:
        expected = f"one {CFN.server} without Master in its Metadata: the source"
        at.child(CFN.resources, None).wrong(expected, str(len(sources)))
    problems.raise_if_any(InvalidTemplate)
    return Cluster.new(source=sources[0], replicas=replicas), lint(template)


def _follows(server: dict[str, object]) -> bool:
    metadata = server.get("Metadata")
    return isinstance(metadata, dict) and "Master" in metadata


def _node(at: Cursor, name: object, server: dict[str, object]) -> Node:
    properties = server.get("Properties")
    where = at.child(CFN.resources, None).child(str(name), None).child("Properties", properties)
    given = properties if isinstance(properties, dict) else {}
    flavor = where.child(CFN.flavor, given.get(CFN.flavor)).string()
    image = where.child(CFN.image, given.get(CFN.image)).string()
    return Node(flavor=flavor or "missing", image=image or "missing")
