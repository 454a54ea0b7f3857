"""Finds the documents in a file: one document, a resource, or a whole template of either format."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.errors import InvalidMetadata, Problem
from guestagent.metadata.declaration import DOCUMENT_KEYS
from guestagent.validation import Problems

NamedDocument = tuple[str | None, object]


def documents(source: object, where: str = "") -> list[NamedDocument]:
    """Return every node's name (None if the file is one document) and its document, not parsed yet.

    `source` is a text (YAML or JSON), or its content after loading. The nodes of a template are the resources whose
    metadata has ReadyWaitCondition. Raise InvalidMetadata if the text is neither YAML nor JSON, or if a template has no
    node.
    """
    content = _load(source, where) if isinstance(source, str | bytes) else source
    if not isinstance(content, dict) or any(key in content for key in DOCUMENT_KEYS.keys):
        return [(None, content)]
    for key in ("Resources", "resources"):
        if isinstance(content.get(key), dict):
            return _list_nodes(content[key], key, where)
    if _is_resource(content):
        return [(None, _get_metadata(content))]
    if content and all(_is_resource(resource) for resource in content.values()):
        return _list_nodes(content, "document", where)
    return [(None, content)]


def _load(text: str | bytes, where: str) -> object:
    # Only files of people need YAML: os-collect-config provides JSON.
    from guestagent.metadata.yaml_loader import load_yaml

    return load_yaml(text, where)


def _list_nodes(resources: dict[object, object], path: str, where: str) -> list[NamedDocument]:
    problems = Problems()
    by_name = problems.open_cursor(resources, path).read_mapping() or {}
    problems.raise_if_any(InvalidMetadata, where)
    documents_by_name: list[NamedDocument] = []
    for name, resource in by_name.items():
        metadata = _get_metadata(resource)
        if isinstance(metadata, dict) and "ReadyWaitCondition" in metadata:
            documents_by_name.append((name, metadata))
    if not documents_by_name:
        raise InvalidMetadata(
            [Problem(path, "a resource whose metadata holds ReadyWaitCondition", "none")], where
        )
    return documents_by_name


def _is_resource(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    has_type = any(isinstance(value.get(key), str) for key in ("Type", "type"))
    return has_type or any(isinstance(value.get(key), dict) for key in ("Metadata", "metadata"))


def _get_metadata(resource: object) -> object:
    return next(_iterate_metadata(resource), None)


def _iterate_metadata(resource: object) -> Iterator[object]:
    """Iterate over the metadata at CFN's key, at HOT's, and at that of the server's properties in HOT."""
    if not isinstance(resource, dict):
        return
    for key in ("Metadata", "metadata"):
        if key in resource:
            yield resource[key]
    properties = resource.get("properties")
    if isinstance(properties, dict) and "metadata" in properties:
        yield properties["metadata"]
