"""A template of other people's in the origin's shape, read for what its author wanted: servers and who follows whom.

The template of 2013 was published with its wiring the wrong way round. What is wrong is said, and left behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guestagent.controller.cluster import Cluster
from guestagent.controller.lint import lint
from guestagent.controller.node import Node
from guestagent.controller.render.words import CFN, Words, spoken
from guestagent.errors import InvalidTemplate, Problem
from guestagent.problems import Cursor, Problems

DEFAULT, PARAMETER = {"Default", "default"}, {"Ref", "get_param"}


def is_ours(template: object) -> bool:
    """Whether `render` made the template, however it was changed since: `parse` must read that one."""
    words = spoken(template)
    return _at(template, words.resources, "Begin", words.metadata, "GuestAgentCluster") is not None


def adopt(template: object) -> tuple[Cluster, tuple[Problem, ...]]:
    """A new cluster of the same servers in the same dialect, and all that Heat would have refused in the template.

    Names, server ids and passwords are new. What is taken over are flavors, images and roles, and the subnet, network
    and key pair that all servers name alike: this is for a stack of its own. Where a parameter stands for one of them
    its default is taken. InvalidTemplate where there is no such cluster in the template.
    """
    problems = Problems()
    at = problems.cursor(template)
    words = spoken(template)
    found = _at(template, words.resources)
    servers = [
        _Server(name, resource, template, words)
        for name, resource in (found.items() if isinstance(found, dict) else ())
        if isinstance(resource, dict) and resource.get(words.type) == words.server
    ]
    sources = [server.node(at) for server in servers if not server.follows]
    replicas = [server.node(at) for server in servers if server.follows]
    if len(sources) != 1:
        expected = f"one {words.server} without Master in its {words.metadata}: the source"
        at.child(words.resources, None).wrong(expected, str(len(sources)))
    problems.raise_if_any(InvalidTemplate)
    subnet = _shared([server.subnet for server in servers])
    made = Cluster.new(
        source=sources[0],
        replicas=replicas,
        subnet=subnet,
        network=None if subnet else _shared([server.network for server in servers]),
        key_pair=_shared([server.value(words.key_pair) for server in servers]),
        dialect=words.dialect,
    )
    return made, lint(template)


@dataclass(frozen=True, slots=True)
class _Server:
    """One server of the template."""

    name: object
    resource: dict[str, object]
    template: object
    words: Words

    @property
    def follows(self) -> bool:
        metadata = self.resource.get(self.words.metadata)
        return isinstance(metadata, dict) and "Master" in metadata

    @property
    def subnet(self) -> object:
        return self.value("SubnetId") if self.words is CFN else self._placed("subnet")

    @property
    def network(self) -> object:
        return None if self.words is CFN else self._placed("network")

    def node(self, at: Cursor) -> Node:
        """Flavor and image; a problem where one of them cannot be known."""
        properties = self.resource.get(self.words.properties)
        where = at.child(self.words.resources, None).child(str(self.name), None)
        where = where.child(self.words.properties, properties)
        flavor = where.child(self.words.flavor, self.value(self.words.flavor)).string()
        image = where.child(self.words.image, self.value(self.words.image)).string()
        return Node(flavor=flavor or "missing", image=image or "missing")

    def value(self, key: str) -> object:
        """A property's value."""
        return self._resolved(_at(self.resource, self.words.properties, key))

    def _placed(self, key: str) -> object:
        networks = _at(self.resource, self.words.properties, "networks")
        return self._resolved(_at(networks[0], key)) if isinstance(networks, list) and networks else None

    def _resolved(self, value: object) -> object:
        """A parameter's default in its place, where it has one."""
        if not isinstance(value, dict) or len(value) != 1 or not value.keys() & PARAMETER:
            return value
        name = next(iter(value.values()))
        declared = _at(self.template, self.words.parameters, name)
        defaults = [declared[key] for key in DEFAULT if key in declared] if isinstance(declared, dict) else []
        return defaults[0] if defaults else value


def _shared(values: Sequence[object]) -> str | None:
    """What all of them say, if they do, and it is a name that a cluster can take."""
    first = values[0]
    alike = all(value == first for value in values)
    return first if alike and isinstance(first, str) and first else None


def _at(value: object, *keys: object) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) and isinstance(key, str) else None
    return value
