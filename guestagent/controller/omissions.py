"""What a new cluster does not take over from the foreign template that it is made of: part by part, nothing unsaid."""

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
"""Keys of `GuestAgent` that every cluster has."""


@dataclass(frozen=True, slots=True)
class Omission:
    """One part of the template: its path, and a resource's type or the kind of the value. Values are not shown."""

    path: str
    kind: str

    def __str__(self) -> str:
        return f"left behind: {self.path} ({self.kind})"


def find_omissions(
    template: dict[str, object], words: TemplateKeys, nodes: frozenset[str], cluster: Cluster
) -> tuple[Omission, ...]:
    """List what is in the template and not in the cluster. `nodes` are the servers that became the cluster's."""
    return tuple(_in_template(template, words, nodes, cluster))


def _in_template(
    template: dict[str, object], words: TemplateKeys, nodes: frozenset[str], cluster: Cluster
) -> Iterator[Omission]:
    for section, content in template.items():
        if section == words.resources:
            for name, resource in _mapping(content).items():
                yield from _in_resource(name, _mapping(resource), words, name in nodes, cluster)
        elif section not in VERSIONS:
            yield from _parts(section, content)


def _in_resource(
    name: str, resource: dict[str, object], words: TemplateKeys, is_node: bool, cluster: Cluster
) -> Iterator[Omission]:
    path, resource_type = f"{words.resources}.{name}", resource.get(words.type)
    properties = _mapping(resource.get(words.properties))
    if is_node:
        yield from _in_server(path, resource, words, cluster)
    elif isinstance(resource_type, str) and resource_type in CONDITION_TYPES:
        spelling = CONDITION_TYPES[resource_type]
        rest = {key: value for key, value in properties.items() if key != spelling.handle}
        yield from _parts(f"{path}.{words.properties}", rest)
    elif resource_type not in HANDLE_TYPES:
        yield Omission(
            path, resource_type if isinstance(resource_type, str) else describe_type(resource_type)
        )


def _in_server(
    path: str, resource: dict[str, object], words: TemplateKeys, cluster: Cluster
) -> Iterator[Omission]:
    properties = _mapping(resource.get(words.properties))
    taken = {words.flavor, words.image, *_taken_places(properties, words, cluster)}
    rest = {key: value for key, value in properties.items() if key not in taken}
    yield from _parts(f"{path}.{words.properties}", rest)
    yield from _in_document(f"{path}.{words.metadata}", _mapping(resource.get(words.metadata)), cluster)
    frame = {words.type, words.properties, words.metadata, words.depends_on}
    yield from _parts(path, {key: value for key, value in resource.items() if key not in frame})


def _taken_places(properties: dict[str, object], words: TemplateKeys, cluster: Cluster) -> Iterator[str]:
    """Yield the properties that say where the nodes stand, if the cluster says the same."""
    if cluster.key_pair is not None:
        yield words.key_pair
    if words is CFN_KEYS and cluster.subnet is not None:
        yield "SubnetId"
    if words is not CFN_KEYS and (cluster.subnet is not None or cluster.network is not None):
        match properties.get("networks"):
            case [dict(only)] if list(only) in (["subnet"], ["network"]):
                yield "networks"


def _in_document(path: str, metadata: dict[str, object], cluster: Cluster) -> Iterator[Omission]:
    """A node's accounts, passwords and handle are made anew; everything else in its metadata is left."""
    for key, value in metadata.items():
        match key, value:
            case "ReadyWaitCondition", _:
                pass
            case "Master", dict(master):
                if master.get("Port", DATABASE_PORT) != DATABASE_PORT:
                    yield Omission(f"{path}.Master.Port", describe_type(master["Port"]))
            case "Users", list(users):
                # One user may be written as two items of one key each.
                named = [user for user in users if not isinstance(user, dict) or "name" in user]
                if len(named) > len(cluster.replicas):
                    what = f"a list of {len(named)}, for {len(cluster.replicas)} replicas"
                    yield Omission(f"{path}.Users", what)
            case "GuestAgent", dict(section):
                rest = {name: each for name, each in section.items() if name not in GENERATED_KEYS}
                yield from _parts(f"{path}.GuestAgent", rest)
            case _:
                yield Omission(f"{path}.{key}", describe_type(value))


def _parts(path: str, content: object) -> Iterator[Omission]:
    """Yield every entry of a mapping, or the whole if it is none."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield Omission(f"{path}.{key}", describe_type(value))
    elif content is not None:
        yield Omission(path, describe_type(content))


def _mapping(value: object) -> dict[str, object]:
    return {str(key): each for key, each in value.items()} if isinstance(value, dict) else {}
