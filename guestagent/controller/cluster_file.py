"""cluster.yaml: a new cluster as a person writes it. Strict: a word that is not known is a problem, never ignored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guestagent.controller.cluster import Cluster
from guestagent.controller.dialect import Dialect
from guestagent.controller.node import Node
from guestagent.controller.passwords import Passwords
from guestagent.controller.template.node_metadata import RESOURCE_LIMIT
from guestagent.errors import InvalidCluster, InvalidInput, InvalidMetadata
from guestagent.metadata import Tls
from guestagent.metadata.tls import PEM_LENGTH_LIMIT
from guestagent.metadata.yaml_loader import load_yaml
from guestagent.validation import Cursor, Problems

NODE_KEYS = ("flavor", "image")
TEXT_KEYS = ("subnet", "network", "key_pair", "replica_network", "metadata_url")
SECONDS_KEYS = ("deadline", "boot_allowance", "auth_ttl", "polling_interval")
KNOWN_KEYS = frozenset(
    {
        "name",
        "source",
        "replicas",
        "client_networks",
        "dialect",
        "passwords",
        "tls",
        "variables",
        "ipv6",
        *NODE_KEYS,
        *TEXT_KEYS,
        *SECONDS_KEYS,
    }
)
TLS_KEYS = frozenset({"ca", "verify", "required"})
SECONDS_LIMIT = 10**6  # the cluster itself says what each must be
# Stands for a node that cannot be read, so that whatever else is wrong is found at once.
PLACEHOLDER_NODE = Node(flavor="flavor", image="image")


@dataclass(frozen=True, slots=True)
class ClusterFile:
    """What a cluster.yaml says: the cluster, and the stack's name where it has one.

    `dialect` is None where the file leaves it open, and the cluster is in the default one then. `password_file` is the
    file that holds the nodes' passwords, as it is named there.
    """

    cluster: Cluster
    name: str | None = None
    dialect: Dialect | None = None
    password_file: str | None = None


def parse_cluster_file(text: str, where: str = "") -> ClusterFile:
    """What a cluster.yaml's text says (JSON will do too); InvalidCluster with every problem. `where` names the file."""
    try:
        return read_document(load_input(text, InvalidCluster, where), Path(where).parent)
    except InvalidCluster as error:
        raise InvalidCluster(error.problems, where) from error


def load_input(text: str, invalid: type[InvalidInput], where: str = "") -> object:
    """What a text in YAML or JSON holds; `invalid` where it is neither, or says one key twice."""
    try:
        return load_yaml(text)
    except InvalidMetadata as error:
        raise invalid(error.problems, where) from error


def read_document(document: object, folder: Path = Path()) -> ClusterFile:
    """The description that a loaded document holds. Files that it names are looked for in `folder`."""
    problems = Problems()
    at = problems.open_cursor(document)
    if isinstance(document, dict) and document.keys() & {"Resources", "resources"}:
        at.add_problem("a cluster.yaml", "a template")
        problems.raise_if_any(InvalidCluster)
    found = at.read_known_keys(KNOWN_KEYS)
    if found is None:
        raise InvalidCluster(problems.problems)
    name = at.get_child("name", found["name"]).read_string() if "name" in found else None
    usual = {key: at.get_child(key, found[key]).read_string() or "wrong" for key in NODE_KEYS if key in found}
    source = _node(at.get_child("source", found.get("source", {})), usual)
    model = Node(usual.get("flavor", source.flavor), usual.get("image", source.image))
    replicas = _replicas(at.get_child("replicas", found.get("replicas", [])), usual, model)
    shared = _shared(at, found, folder)
    passwords, password_file = _passwords(at.get_child("passwords", found.get("passwords", "heat")))
    try:
        cluster = Cluster.new(source=source, replicas=replicas, passwords=passwords, **shared)
    except InvalidCluster as error:
        raise InvalidCluster([*problems.problems, *error.problems]) from error
    problems.raise_if_any(InvalidCluster)
    return ClusterFile(cluster, name, shared.get("dialect"), password_file)


def _shared(at: Cursor, found: Mapping[str, object], folder: Path) -> dict[str, Any]:
    """What all nodes share, as far as it can be read."""
    given: dict[str, Any] = {}
    for key in TEXT_KEYS:
        if key in found and (text := at.get_child(key, found[key]).read_string()):
            given[key] = text
    for key in SECONDS_KEYS:
        if (
            key in found
            and (number := at.get_child(key, found[key]).read_integer(0, SECONDS_LIMIT)) is not None
        ):
            given[key] = number
    if "dialect" in found:
        given["dialect"] = _dialect(at.get_child("dialect", found["dialect"]))
    elif "metadata_url" in given:
        given["dialect"] = Dialect.CFN  # whoever says the address of its API has chosen
    if "tls" in found:
        given["tls"] = _tls(at.get_child("tls", found["tls"]), folder)
    if "ipv6" in found and (ipv6 := at.get_child("ipv6", found["ipv6"]).read_boolean()) is not None:
        given["ipv6"] = ipv6
    if "variables" in found:
        given["variables"] = found["variables"]
    if "client_networks" in found:
        networks = at.get_child("client_networks", found["client_networks"]).read_items()
        given["client_networks"] = [text for network in networks if (text := network.read_string())]
    return given


def _tls(at: Cursor, folder: Path) -> Tls:
    found = at.read_known_keys(TLS_KEYS) or {}
    said: dict[str, Any] = {
        key: at.get_child(key, found[key]).read_boolean() for key in ("verify", "required") if key in found
    }
    if "ca" in found and (text := at.get_child("ca", found["ca"]).read_string(max_length=PEM_LENGTH_LIMIT)):
        said["ca"] = text if "-----BEGIN" in text else _certificates(at.get_child("ca", text), folder / text)
    if found.get("verify") is True and "ca" not in found:
        at.get_child("ca", None).add_problem(
            "a CA where verify is true", do="there is nothing to verify against"
        )
    return Tls(**{key: value for key, value in said.items() if value is not None})


def _certificates(at: Cursor, path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii")
    except OSError as error:
        return at.add_problem("certificates in PEM, or a file that holds them", f"{path}: {error.strerror}")
    except UnicodeDecodeError:
        return at.add_problem("certificates in PEM, or a file that holds them", f"{path}: no PEM")


def _dialect(at: Cursor) -> Dialect:
    names = [str(dialect) for dialect in Dialect]
    if at.value in names:
        return Dialect(at.value)
    at.add_problem(" or ".join(names), repr(at.value) if isinstance(at.value, str) else "")
    return Dialect.CFN


def _passwords(at: Cursor) -> tuple[Passwords, str | None]:
    """Who makes the passwords, and the file that holds them where a person has."""
    if at.value == "heat":
        return Passwords.HEAT, None
    if at.value == "generated":
        return Passwords.PARAMETERS, None
    if isinstance(at.value, dict) and at.value.keys() == {"file"}:
        return Passwords.PARAMETERS, at.get_child("file", at.value["file"]).read_string()
    # Not what was found: it may be a password.
    at.add_problem("heat, generated, or a mapping with file: and the name of a file")
    return Passwords.HEAT, None


def _replicas(at: Cursor, usual: Mapping[str, str], model: Node) -> list[Node]:
    """A list of nodes, or how many like the `model`."""
    if isinstance(at.value, int) and not isinstance(at.value, bool):
        return [model] * (at.read_integer(0, RESOURCE_LIMIT) or 0)
    if not isinstance(at.value, list):
        at.add_problem("a list, or how many")
        return []
    return [_node(node, usual) for node in at.read_items()]


def _node(at: Cursor, usual: Mapping[str, str]) -> Node:
    found = at.read_known_keys(frozenset(NODE_KEYS))
    if found is None:
        return PLACEHOLDER_NODE
    read: dict[str, str] = {}
    for key in NODE_KEYS:
        if key in found:
            read[key] = at.get_child(key, found[key]).read_string() or "wrong"
        elif key in usual:
            read[key] = usual[key]
        else:
            do = f"say it here, or once for all nodes: {key}: ... at the top of the file"
            at.get_child(key, None).add_problem("a string", do=do)
            read[key] = "missing"
    return Node(flavor=read["flavor"], image=read["image"])
