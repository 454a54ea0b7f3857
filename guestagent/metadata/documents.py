"""The documents in what a person has: one document, a resource, or a whole template of either dialect."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.errors import InvalidMetadata, Problem
from guestagent.metadata.contract import KEYS
from guestagent.problems import Problems

Found = tuple[str | None, object]


def documents(source: object, where: str = "") -> list[Found]:
    """Every node's name (None where only one document was given) and its document, unread.

    `source` is a text (YAML or JSON), or what one loads to. Of a template, nodes are the resources
    whose metadata holds ReadyWaitCondition. InvalidMetadata where the text cannot be read, or a
    template has no node.
    """
    content = _loaded(source, where) if isinstance(source, str | bytes) else source
    if not isinstance(content, dict) or any(key in content for key in KEYS.keys):
        return [(None, content)]
    for key in ("Resources", "resources"):
        if isinstance(content.get(key), dict):
            return _nodes(content[key], key, where)
    if _is_resource(content):
        return [(None, _metadata(content))]
    if content and all(_is_resource(resource) for resource in content.values()):
        return _nodes(content, "document", where)
    return [(None, content)]


def _loaded(text: str | bytes, where: str) -> object:
    from guestagent.metadata.load import (
        load,
    )  # yaml: only people's files need it, metadata is collected as JSON

    return load(text, where)


def _nodes(resources: dict[object, object], path: str, where: str) -> list[Found]:
    problems = Problems()
    named = problems.cursor(resources, path).mapping() or {}
    problems.raise_if_any(InvalidMetadata, where)
    found: list[Found] = []
    for name, resource in named.items():
        metadata = _metadata(resource)
        if isinstance(metadata, dict) and "ReadyWaitCondition" in metadata:
            found.append((name, metadata))
    if not found:
        raise InvalidMetadata(
            [Problem(path, "a resource whose metadata holds ReadyWaitCondition", "none")], where
        )
    return found


def _is_resource(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    named = any(isinstance(value.get(key), str) for key in ("Type", "type"))
    return named or any(isinstance(value.get(key), dict) for key in ("Metadata", "metadata"))


def _metadata(resource: object) -> object:
    return next(_metadatas(resource), None)


def _metadatas(resource: object) -> Iterator[object]:
    """CFN's key, HOT's, or HOT's as a property of the server."""
    if not isinstance(resource, dict):
        return
    for key in ("Metadata", "metadata"):
        if key in resource:
            yield resource[key]
    properties = resource.get("properties")
    if isinstance(properties, dict) and "metadata" in properties:
        yield properties["metadata"]
