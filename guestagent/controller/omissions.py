"""Lists everything that a new cluster does not take over from a foreign template. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from guestagent.controller.cluster import Cluster
from guestagent.controller.resource_pitfalls import CONDITION_TYPES, HANDLE_TYPES
from guestagent.controller.template.keys import CFN_KEYS, TemplateKeys
from guestagent.controller.template.node_metadata import DATABASE_PORT
from guestagent.controller.template_language import VERSIONS
from guestagent.validation import describe_type

GENERATED_KEYS = frozenset({"Version", "Node", "Generation", "ServerId", "Deadline"})
"""Keys of `GuestAgent` that every cluster sets itself."""


@dataclass(frozen=True, slots=True)
class Omission:
    """One part of the template: its path, and its resource type or the type of its value. Values are not shown."""

    path: str
    kind: str

    def __str__(self) -> str:
        return f"left behind: {self.path} ({self.kind})"


def find_omissions(
    template: dict[str, object], keys: TemplateKeys, nodes: frozenset[str], cluster: Cluster
) -> tuple[Omission, ...]:
    """List what is in the template and not in the cluster. `nodes` are the servers that became the cluster's."""
    return tuple(_find_in_template(template, keys, nodes, cluster))


def _find_in_template(
    template: dict[str, object], keys: TemplateKeys, nodes: frozenset[str], cluster: Cluster
) -> Iterator[Omission]:
    for section, content in template.items():
        if section == keys.resources:
            for name, resource in _as_mapping(content).items():
                yield from _find_in_resource(name, _as_mapping(resource), keys, name in nodes, cluster)
        elif section not in VERSIONS:
            yield from _list_parts(section, content)


def _find_in_resource(
    name: str, resource: dict[str, object], keys: TemplateKeys, is_node: bool, cluster: Cluster
) -> Iterator[Omission]:
    path, resource_type = f"{keys.resources}.{name}", resource.get(keys.type)
    properties = _as_mapping(resource.get(keys.properties))
    if is_node:
        yield from _find_in_server(path, resource, keys, cluster)
    elif isinstance(resource_type, str) and resource_type in CONDITION_TYPES:
        type_keys = CONDITION_TYPES[resource_type]
        omitted = {key: value for key, value in properties.items() if key != type_keys.handle}
        yield from _list_parts(f"{path}.{keys.properties}", omitted)
    elif resource_type not in HANDLE_TYPES:
        yield Omission(
            path, resource_type if isinstance(resource_type, str) else describe_type(resource_type)
        )


def _find_in_server(
    path: str, resource: dict[str, object], keys: TemplateKeys, cluster: Cluster
) -> Iterator[Omission]:
    properties = _as_mapping(resource.get(keys.properties))
    adopted_keys = {keys.flavor, keys.image, *_list_adopted_properties(properties, keys, cluster)}
    omitted = {key: value for key, value in properties.items() if key not in adopted_keys}
    yield from _list_parts(f"{path}.{keys.properties}", omitted)
    yield from _find_in_document(f"{path}.{keys.metadata}", _as_mapping(resource.get(keys.metadata)), cluster)
    adopted_keys = {keys.type, keys.properties, keys.metadata, keys.depends_on}
    yield from _list_parts(path, {key: value for key, value in resource.items() if key not in adopted_keys})


def _list_adopted_properties(
    properties: dict[str, object], keys: TemplateKeys, cluster: Cluster
) -> Iterator[str]:
    """List the properties of networks and keys that the cluster has taken over."""
    if cluster.key_pair is not None:
        yield keys.key_pair
    if keys is CFN_KEYS and cluster.subnet is not None:
        yield "SubnetId"
    if keys is not CFN_KEYS and (cluster.subnet is not None or cluster.network is not None):
        match properties.get("networks"):
            case [dict(network)] if list(network) in (["subnet"], ["network"]):
                yield "networks"


def _find_in_document(path: str, metadata: dict[str, object], cluster: Cluster) -> Iterator[Omission]:
    """Find the omitted parts of a node's metadata. Its accounts, passwords and handle are created again."""
    for key, value in metadata.items():
        match key, value:
            case "ReadyWaitCondition", _:
                pass
            case "Master", dict(master):
                if master.get("Port", DATABASE_PORT) != DATABASE_PORT:
                    yield Omission(f"{path}.Master.Port", describe_type(master["Port"]))
            case "Users", list(users):
                # One user may be written as two items of one key each.
                whole_users = [user for user in users if not isinstance(user, dict) or "name" in user]
                if len(whole_users) > len(cluster.replicas):
                    description = f"a list of {len(whole_users)}, for {len(cluster.replicas)} replicas"
                    yield Omission(f"{path}.Users", description)
            case "GuestAgent", dict(section):
                omitted = {name: value for name, value in section.items() if name not in GENERATED_KEYS}
                yield from _list_parts(f"{path}.GuestAgent", omitted)
            case _:
                yield Omission(f"{path}.{key}", describe_type(value))


def _list_parts(path: str, content: object) -> Iterator[Omission]:
    """Yield every entry of a mapping, or the whole if it is none."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield Omission(f"{path}.{key}", describe_type(value))
    elif content is not None:
        yield Omission(path, describe_type(content))


def _as_mapping(value: object) -> dict[str, object]:
    return {str(key): value for key, value in value.items()} if isinstance(value, dict) else {}
