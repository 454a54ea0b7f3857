"""A template of other people's in the origin's shape, read for what its author wanted: servers and who follows whom.

The template of 2013 was published with its wiring the wrong way round. What is wrong in it is named, and so is
everything that the new cluster does not take over. A template of anything but a database cluster is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guestagent.controller.cluster import Cluster
from guestagent.controller.left_behind import LeftBehind, find_left_behind
from guestagent.controller.lint import lint
from guestagent.controller.node import Node
from guestagent.controller.render.words import CFN, Words, spoken
from guestagent.errors import InvalidTemplate, Problem
from guestagent.problems import Cursor, Problems

DEFAULT, PARAMETER = {"Default", "default"}, {"Ref", "get_param"}
DOCUMENT_KEYS = frozenset({"ReadyWaitCondition", "Users", "Master"})
"""A server whose metadata has one of these is a node of a cluster."""


def is_ours(template: object) -> bool:
    """Whether `render` made the template, however it was changed since: `parse` must read that one."""
    words = spoken(template)
    return _at(template, words.resources, "Begin", words.metadata, "GuestAgentCluster") is not None


@dataclass(frozen=True, slots=True)
class Adoption:
    """A new cluster, everything that Heat rejects in the template, and everything that the cluster leaves behind."""

    cluster: Cluster
    problems: tuple[Problem, ...]
    left_behind: tuple[LeftBehind, ...]


def adopt(template: object) -> Adoption:
    """Make a new cluster of a template's database servers, in the same dialect.

    Names, server ids and passwords are new. The cluster takes over flavors, images and roles, and the subnet, network
    and key pair that all its servers name alike: it is for a stack of its own. A parameter counts as its default.
    InvalidTemplate if no server's metadata is a node's document, or the source is not clear.
    """
    problems = Problems()
    at = problems.cursor(template)
    words = spoken(template)
    servers = _find_nodes(template, words)
    if not servers:
        expected = (
            f"one {words.server} or more whose {words.metadata} holds ReadyWaitCondition, Users or Master"
        )
        at.child(words.resources, None).wrong(expected, "none", "it is no template of a database cluster")
        problems.raise_if_any(InvalidTemplate)
    sources = [server.node(at) for server in servers if not server.follows]
    replicas = [server.node(at) for server in servers if server.follows]
    if len(sources) != 1:
        expected = f"one {words.server} without Master in its {words.metadata}: the source"
        at.child(words.resources, None).wrong(expected, str(len(sources)))
    problems.raise_if_any(InvalidTemplate)
    subnet = _shared([server.subnet for server in servers])
    cluster = Cluster.new(
        source=sources[0],
        replicas=replicas,
        subnet=subnet,
        network=None if subnet else _shared([server.network for server in servers]),
        key_pair=_shared([server.value(words.key_pair) for server in servers]),
        dialect=words.dialect,
    )
    assert isinstance(template, dict)
    nodes = frozenset(str(server.name) for server in servers)
    return Adoption(cluster, lint(template), find_left_behind(template, words, nodes, cluster))


def _find_nodes(template: object, words: Words) -> list[_Server]:
    """Find the servers of a cluster. A source may be written without a document if its replicas have theirs."""
    found = _at(template, words.resources)
    servers = [
        _Server(name, resource, template, words)
        for name, resource in (found.items() if isinstance(found, dict) else ())
        if isinstance(resource, dict) and resource.get(words.type) == words.server
    ]
    nodes = [server for server in servers if server.has_document]
    others = [server for server in servers if not server.has_document]
    is_source_missing = bool(nodes) and all(server.follows for server in nodes)
    return nodes + others if is_source_missing and len(others) == 1 else nodes


@dataclass(frozen=True, slots=True)
class _Server:
    """One server of the template."""

    name: object
    resource: dict[str, object]
    template: object
    words: Words

    @property
    def has_document(self) -> bool:
        metadata = self.resource.get(self.words.metadata)
        return isinstance(metadata, dict) and not metadata.keys().isdisjoint(DOCUMENT_KEYS)

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
