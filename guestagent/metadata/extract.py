"""The documents in what a person has: one document, a resource, or a whole template of either dialect."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.errors import InvalidMetadata, Problem
from guestagent.metadata.declaration import DOCUMENT_KEYS
from guestagent.validation import Problems

NamedDocument = tuple[str | None, object]


def documents(source: object, where: str = "") -> list[NamedDocument]:
    """Every node's name (None where only one document was given) and its document, unread.

    `source` is a text (YAML or JSON), or what one loads to. Of a template, nodes are the resources
    whose metadata holds ReadyWaitCondition. InvalidMetadata where the text cannot be read, or a
    template has no node.
    """
    content = _loaded(source, where) if isinstance(source, str | bytes) else source
    if not isinstance(content, dict) or any(key in content for key in DOCUMENT_KEYS.keys):
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
    from guestagent.metadata.yaml_loader import (
        load_yaml,
    )  # yaml: only people's files need it, metadata is collected as JSON

    return load_yaml(text, where)


def _nodes(resources: dict[object, object], path: str, where: str) -> list[NamedDocument]:
    problems = Problems()
    named = problems.open_cursor(resources, path).read_mapping() or {}
    problems.raise_if_any(InvalidMetadata, where)
    found: list[NamedDocument] = []
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
