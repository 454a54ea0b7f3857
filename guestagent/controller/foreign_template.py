"""A template of other people's in the origin's shape, read for what its author wanted: servers and who follows whom.

The template of 2013 was published with its wiring the wrong way round. What is wrong in it is named, and so is
everything that the new cluster does not take over. A template of anything but a database cluster is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guestagent.controller.cluster import Cluster
from guestagent.controller.node import Node
from guestagent.controller.omissions import Omission, find_omissions
from guestagent.controller.template.keys import CFN_KEYS, TemplateKeys, detect_keys
from guestagent.controller.template_lint import lint
from guestagent.controller.template_references import get_parameter_name
from guestagent.errors import InvalidTemplate, Problem
from guestagent.validation import Cursor, Problems

DEFAULT_KEYS = ("Default", "default")
DOCUMENT_KEYS = frozenset({"ReadyWaitCondition", "Users", "Master"})
"""A server whose metadata has one of these is a node of a cluster."""


def is_generated(template: object) -> bool:
    """Whether `render` made the template, however it was changed since: `parse` must read that one."""
    words = detect_keys(template)
    return _at(template, words.resources, "Begin", words.metadata, "GuestAgentCluster") is not None


@dataclass(frozen=True, slots=True)
class Adoption:
    """A new cluster, everything that Heat rejects in the template, and everything that the cluster leaves behind."""

    cluster: Cluster
    problems: tuple[Problem, ...]
    omissions: tuple[Omission, ...]


def adopt_template(template: object) -> Adoption:
    """Make a new cluster of a template's database servers, in the same dialect.

    Names, server ids and passwords are new. The cluster takes over flavors, images and roles, and the subnet, network
    and key pair that all its servers name alike: it is for a stack of its own. A parameter counts as its default.
    InvalidTemplate if no server's metadata is a node's document, or the source is not clear.
    """
    problems = Problems()
    at = problems.open_cursor(template)
    words = detect_keys(template)
    servers = _find_nodes(template, words)
    if not servers:
        expected = (
            f"one {words.server} or more whose {words.metadata} holds ReadyWaitCondition, Users or Master"
        )
        at.get_child(words.resources, None).add_problem(
            expected, "none", "it is no template of a database cluster"
        )
        problems.raise_if_any(InvalidTemplate)
    sources = [server.node(at) for server in servers if not server.follows]
    replicas = [server.node(at) for server in servers if server.follows]
    if len(sources) != 1:
        expected = f"one {words.server} without Master in its {words.metadata}: the source"
        at.get_child(words.resources, None).add_problem(expected, str(len(sources)))
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
    return Adoption(cluster, lint(template), find_omissions(template, words, nodes, cluster))


def _find_nodes(template: object, words: TemplateKeys) -> list[_Server]:
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
    words: TemplateKeys

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
        return self.value("SubnetId") if self.words is CFN_KEYS else self._placed("subnet")

    @property
    def network(self) -> object:
        return None if self.words is CFN_KEYS else self._placed("network")

    def node(self, at: Cursor) -> Node:
        """Flavor and image; a problem where one of them cannot be known."""
        properties = self.resource.get(self.words.properties)
        where = at.get_child(self.words.resources, None).get_child(str(self.name), None)
        where = where.get_child(self.words.properties, properties)
        flavor = where.get_child(self.words.flavor, self.value(self.words.flavor)).read_string()
        image = where.get_child(self.words.image, self.value(self.words.image)).read_string()
        return Node(flavor=flavor or "missing", image=image or "missing")

    def value(self, key: str) -> object:
        """A property's value."""
        return self._resolved(_at(self.resource, self.words.properties, key))

    def _placed(self, key: str) -> object:
        networks = _at(self.resource, self.words.properties, "networks")
        return self._resolved(_at(networks[0], key)) if isinstance(networks, list) and networks else None

    def _resolved(self, value: object) -> object:
        """A parameter's default in its place, where it has one."""
        name = get_parameter_name(value)
        if name is None:
            return value
        declared = _at(self.template, self.words.parameters, name)
        defaults = (
            [declared[key] for key in DEFAULT_KEYS if key in declared] if isinstance(declared, dict) else []
        )
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
