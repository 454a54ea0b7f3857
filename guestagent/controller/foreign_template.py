"""Makes a new cluster of a template that was written by hand, in the manner of the template published in 2013.

That one was published with its wiring the wrong way round, so only flavors, images and roles are read. All errors in
the template are listed, and so is everything that the new cluster does not take over. A template that is not of a
database cluster is rejected.
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
"""A server whose metadata has one of these keys is a node of a cluster."""


def is_generated(template: object) -> bool:
    """Return whether `render` made the template, even if it was changed later: then `parse` must read it."""
    keys = detect_keys(template)
    return _get_value(template, keys.resources, "Begin", keys.metadata, "GuestAgentCluster") is not None


@dataclass(frozen=True, slots=True)
class Adoption:
    """A new cluster, the template's problems, and everything that the cluster does not take over."""

    cluster: Cluster
    problems: tuple[Problem, ...]
    omissions: tuple[Omission, ...]


def adopt_template(template: object) -> Adoption:
    """Make a new cluster of a template's database servers, in the same template format.

    Names, server ids and passwords are new, so the cluster is for a separate stack. It takes over flavors, images and
    roles, and the subnet, network and key pair if they are the same for all servers. A parameter counts as its default.
    Raise InvalidTemplate if no server's metadata is a node's document, or if the source is not clear.
    """
    problems = Problems()
    cursor = problems.open_cursor(template)
    keys = detect_keys(template)
    servers = _find_nodes(template, keys)
    if not servers:
        expected = (
            f"one {keys.server} or more whose {keys.metadata} holds ReadyWaitCondition, Users or Master"
        )
        cursor.get_child(keys.resources, None).add_problem(
            expected, "none", "it is not a template of a database cluster"
        )
        problems.raise_if_any(InvalidTemplate)
    sources = [server.read_node(cursor) for server in servers if not server.is_replica]
    replicas = [server.read_node(cursor) for server in servers if server.is_replica]
    if len(sources) != 1:
        expected = f"one {keys.server} without Master in its {keys.metadata}: the source"
        cursor.get_child(keys.resources, None).add_problem(expected, str(len(sources)))
    problems.raise_if_any(InvalidTemplate)
    subnet = _find_shared_value([server.subnet for server in servers])
    cluster = Cluster.new(
        source=sources[0],
        replicas=replicas,
        subnet=subnet,
        network=None if subnet else _find_shared_value([server.network for server in servers]),
        key_pair=_find_shared_value([server.get_property(keys.key_pair) for server in servers]),
        dialect=keys.dialect,
    )
    assert isinstance(template, dict)
    nodes = frozenset(str(server.name) for server in servers)
    return Adoption(cluster, lint(template), find_omissions(template, keys, nodes, cluster))


def _find_nodes(template: object, keys: TemplateKeys) -> list[_Server]:
    """Find the servers of a cluster. A source may have no document if its replicas have one."""
    resources = _get_value(template, keys.resources)
    servers = [
        _Server(name, resource, template, keys)
        for name, resource in (resources.items() if isinstance(resources, dict) else ())
        if isinstance(resource, dict) and resource.get(keys.type) == keys.server
    ]
    nodes = [server for server in servers if server.has_document]
    servers_without_document = [server for server in servers if not server.has_document]
    is_source_missing = bool(nodes) and all(server.is_replica for server in nodes)
    return (
        nodes + servers_without_document
        if is_source_missing and len(servers_without_document) == 1
        else nodes
    )


@dataclass(frozen=True, slots=True)
class _Server:
    """One server of the template."""

    name: object
    resource: dict[str, object]
    template: object
    keys: TemplateKeys

    @property
    def has_document(self) -> bool:
        metadata = self.resource.get(self.keys.metadata)
        return isinstance(metadata, dict) and not metadata.keys().isdisjoint(DOCUMENT_KEYS)

    @property
    def is_replica(self) -> bool:
        metadata = self.resource.get(self.keys.metadata)
        return isinstance(metadata, dict) and "Master" in metadata

    @property
    def subnet(self) -> object:
        return (
            self.get_property("SubnetId") if self.keys is CFN_KEYS else self._read_network_property("subnet")
        )

    @property
    def network(self) -> object:
        return None if self.keys is CFN_KEYS else self._read_network_property("network")

    def read_node(self, cursor: Cursor) -> Node:
        """Read flavor and image. Note a problem if one of them is unknown."""
        properties = self.resource.get(self.keys.properties)
        properties_cursor = cursor.get_child(self.keys.resources, None).get_child(str(self.name), None)
        properties_cursor = properties_cursor.get_child(self.keys.properties, properties)
        flavor = properties_cursor.get_child(
            self.keys.flavor, self.get_property(self.keys.flavor)
        ).read_string()
        image = properties_cursor.get_child(self.keys.image, self.get_property(self.keys.image)).read_string()
        return Node(flavor=flavor or "missing", image=image or "missing")

    def get_property(self, key: str) -> object:
        """Return a property's value."""
        return self._resolve_parameter(_get_value(self.resource, self.keys.properties, key))

    def _read_network_property(self, key: str) -> object:
        networks = _get_value(self.resource, self.keys.properties, "networks")
        return (
            self._resolve_parameter(_get_value(networks[0], key))
            if isinstance(networks, list) and networks
            else None
        )

    def _resolve_parameter(self, value: object) -> object:
        """Return a parameter's default in place of the parameter, if it has one."""
        name = get_parameter_name(value)
        if name is None:
            return value
        parameter = _get_value(self.template, self.keys.parameters, name)
        defaults = (
            [parameter[key] for key in DEFAULT_KEYS if key in parameter]
            if isinstance(parameter, dict)
            else []
        )
        return defaults[0] if defaults else value


def _find_shared_value(values: Sequence[object]) -> str | None:
    """Return the value if it is the same for all servers, and a name."""
    first = values[0]
    is_same = all(value == first for value in values)
    return first if is_same and isinstance(first, str) and first else None


def _get_value(value: object, *keys: object) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) and isinstance(key, str) else None
    return value
