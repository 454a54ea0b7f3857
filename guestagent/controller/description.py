"""cluster.yaml: a new cluster as a person writes it. Strict: a word that is not known is a problem, never ignored."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from guestagent.controller.cluster import Cluster
from guestagent.controller.node import Node
from guestagent.errors import InvalidCluster, InvalidInput, Problem
from guestagent.problems import Cursor, Problems

NODE = frozenset({"flavor", "image"})
TEXTS = ("subnet", "network", "key_pair", "replica_network", "metadata_url")
SECONDS = ("deadline", "boot_allowance", "auth_ttl", "polling_interval")
KNOWN = frozenset({"name", "source", "replicas", "client_networks", *TEXTS, *SECONDS})
MOST_SECONDS = 10**6  # the cluster itself says what each must be
MOST_FILE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Description:
    """What a cluster.yaml says: the cluster, and the stack's name where it has one."""

    cluster: Cluster
    name: str | None = None


def described(path: Path) -> Description:
    """Read a cluster.yaml (or JSON, which is YAML too); InvalidCluster with every problem."""
    document = loaded(path, InvalidCluster)
    try:
        return read(document)
    except InvalidCluster as error:
        raise InvalidCluster(error.problems, str(path)) from error


def loaded(path: Path, invalid: type[InvalidInput]) -> object:
    """What a YAML or JSON file holds; `invalid` where it is neither."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise invalid([Problem("file", "a readable file", str(error.strerror))], str(path)) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise invalid([Problem("file", "YAML or JSON", " ".join(str(error).split()))], str(path)) from error


def read(document: object) -> Description:
    """The description that a loaded document holds."""
    problems = Problems()
    at = problems.cursor(document)
    found = at.known(KNOWN) or {}
    given: dict[str, Any] = {}
    for key in TEXTS:
        if key in found:
            given[key] = at.child(key, found[key]).string()
    for key in SECONDS:
        if key in found:
            given[key] = at.child(key, found[key]).integer(0, MOST_SECONDS)
    if "client_networks" in found:
        networks = at.child("client_networks", found["client_networks"])
        given["client_networks"] = [network.string() for network in networks.items()]
    name = at.child("name", found["name"]).string() if "name" in found else None
    source = _node(at.child("source", found.get("source")))
    replicas = [_node(node) for node in at.child("replicas", found.get("replicas", [])).items()]
    problems.raise_if_any(InvalidCluster)
    assert source is not None
    return Description(
        Cluster.new(source=source, replicas=[node for node in replicas if node], **given), name
    )


def _node(at: Cursor) -> Node | None:
    found = at.known(NODE)
    if found is None:
        return None
    flavor = at.child("flavor", found.get("flavor")).string()
    image = at.child("image", found.get("image")).string()
    return Node(flavor=flavor, image=image) if flavor and image else None


class _UniqueKeys(yaml.SafeLoader):
    """YAML lets a later key replace an earlier one without a word; a person meant both."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if (
                isinstance(key, yaml.ScalarNode)
                and key.value in seen
                and key.tag != "tag:yaml.org,2002:merge"
            ):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value} twice", key.start_mark
                )
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
        return super().construct_mapping(node, deep=deep)
