"""Reads cluster.yaml, the description of a new cluster. It is strict: an unknown key is a problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guestagent.controller.cluster import Cluster
from guestagent.controller.dialect import Dialect
from guestagent.controller.external_source import ExternalSource
from guestagent.controller.external_source_file import is_external, read_external_source
from guestagent.controller.node import Node
from guestagent.controller.node_volume import STACK_VOLUME, StackVolume
from guestagent.controller.passwords import Passwords
from guestagent.controller.seed_settings_file import read_seeding, read_verification
from guestagent.controller.template.stack_limits import RESOURCE_LIMIT
from guestagent.errors import InvalidCluster, InvalidInput, InvalidMetadata
from guestagent.limited_read import read_limited
from guestagent.metadata import Tls
from guestagent.metadata.schema_types import Text
from guestagent.metadata.tls import PEM_LENGTH_LIMIT
from guestagent.metadata.yaml_loader import load_yaml
from guestagent.validation import Cursor, Problems

NODE_KEYS = ("flavor", "image")
ZONE = Text(255, description="an availability zone")
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
        "seeding",
        "verification",
        "volume",
        "zone",
        *NODE_KEYS,
        *TEXT_KEYS,
        *SECONDS_KEYS,
    }
)
TEMPLATE_KEYS = frozenset({"Resources", "resources"})
TLS_KEYS = frozenset({"ca", "verify", "required"})
SECONDS_LIMIT = 10**6  # the cluster itself checks each of them
# In place of a node that cannot be read, so that all other problems are found at once.
PLACEHOLDER_NODE = Node(flavor="flavor", image="image")


@dataclass(frozen=True, slots=True)
class ClusterFile:
    """The content of a cluster.yaml: the cluster, and the stack's name if it has one.

    `dialect` is None if the file does not choose a template format; the cluster then has the default one.
    `password_file` is the name of the file with the nodes' passwords.
    """

    cluster: Cluster
    name: str | None = None
    dialect: Dialect | None = None
    password_file: str | None = None


def parse_cluster_file(text: str, where: str = "") -> ClusterFile:
    """Parse the text of a cluster.yaml, or JSON. Raise InvalidCluster with every problem. `where` names the file."""
    try:
        return read_document(load_input(text, InvalidCluster, where), Path(where).parent)
    except InvalidCluster as error:
        raise InvalidCluster(error.problems, where) from error


def load_input(text: str, invalid: type[InvalidInput], where: str = "") -> object:
    """Load a text in YAML or JSON. Raise `invalid` if it is neither, or if a mapping has a key twice."""
    try:
        return load_yaml(text)
    except InvalidMetadata as error:
        raise invalid(error.problems, where) from error


def is_cluster_file(document: object) -> bool:
    """Return whether a loaded document looks like a cluster.yaml, and not like a template."""
    return isinstance(document, dict) and "source" in document and not document.keys() & TEMPLATE_KEYS


def read_document(document: object, folder: Path | None = None) -> ClusterFile:
    """Read a loaded document. The files that it names are relative to `folder`.

    None: it may name no file, because it comes from somewhere else.
    """
    problems = Problems()
    cursor = problems.open_cursor(document)
    if isinstance(document, dict) and document.keys() & TEMPLATE_KEYS:
        cursor.add_problem("a cluster.yaml", "a Heat template")
        problems.raise_if_any(InvalidCluster)
    mapping = cursor.read_known_keys(KNOWN_KEYS)
    if mapping is None:
        raise InvalidCluster(problems.problems)
    name = cursor.get_child("name", mapping["name"]).read_string() if "name" in mapping else None
    defaults = {
        key: cursor.get_child(key, mapping[key]).read_string() or "wrong"
        for key in NODE_KEYS
        if key in mapping
    }
    common = Node("any", "any", volume=_read_volume(cursor, mapping), zone=_read_zone(cursor, mapping))
    source, replicas = _read_nodes(cursor, mapping, defaults, common)
    shared = _read_shared_settings(cursor, mapping, folder)
    password_cursor = cursor.get_child("passwords", mapping.get("passwords", "heat"))
    passwords, password_file = _read_passwords(password_cursor, can_name_files=folder is not None)
    try:
        cluster = Cluster.new(source=source, replicas=replicas, passwords=passwords, **shared)
    except InvalidCluster as error:
        raise InvalidCluster([*problems.problems, *error.problems]) from error
    problems.raise_if_any(InvalidCluster)
    return ClusterFile(cluster, name, shared.get("dialect"), password_file)


def _read_nodes(
    cursor: Cursor, mapping: Mapping[str, object], defaults: Mapping[str, str], common: Node
) -> tuple[Node | ExternalSource, list[Node]]:
    """Read the source and the replicas. If only their number is said, they are like the source, or as the defaults."""
    source_cursor = cursor.get_child("source", mapping.get("source", {}))
    replica_cursor = cursor.get_child("replicas", mapping.get("replicas", []))
    if is_external(source_cursor):
        is_list = isinstance(replica_cursor.value, list)
        model = (
            PLACEHOLDER_NODE if is_list else _read_node(cursor.get_child("replicas", {}), defaults, common)
        )
        source = read_external_source(source_cursor)
        return source, _read_replicas(replica_cursor, defaults, common, model)
    node = _read_node(source_cursor, defaults, common)
    model = Node(
        defaults.get("flavor", node.flavor),
        defaults.get("image", node.image),
        volume=common.volume or node.volume,
        zone=common.zone or node.zone,
    )
    return node, _read_replicas(replica_cursor, defaults, common, model)


def _read_shared_settings(
    cursor: Cursor, mapping: Mapping[str, object], folder: Path | None
) -> dict[str, Any]:
    """Read the settings of all nodes, as far as possible."""
    settings: dict[str, Any] = {}
    for key in TEXT_KEYS:
        if key in mapping and (text := cursor.get_child(key, mapping[key]).read_string()):
            settings[key] = text
    for key in SECONDS_KEYS:
        if (
            key in mapping
            and (number := cursor.get_child(key, mapping[key]).read_integer(0, SECONDS_LIMIT)) is not None
        ):
            settings[key] = number
    if "dialect" in mapping:
        settings["dialect"] = _read_dialect(cursor.get_child("dialect", mapping["dialect"]))
    elif "metadata_url" in settings:
        settings["dialect"] = Dialect.CFN  # only CFN has the address of an API
    if "tls" in mapping:
        settings["tls"] = _read_tls(cursor.get_child("tls", mapping["tls"]), folder)
    if "ipv6" in mapping and (ipv6 := cursor.get_child("ipv6", mapping["ipv6"]).read_boolean()) is not None:
        settings["ipv6"] = ipv6
    if "seeding" in mapping:
        settings["seeding"] = read_seeding(cursor.get_child("seeding", mapping["seeding"]))
    if "verification" in mapping:
        settings["verification"] = read_verification(
            cursor.get_child("verification", mapping["verification"])
        )
    if "variables" in mapping:
        settings["variables"] = mapping["variables"]
    if "client_networks" in mapping:
        networks = cursor.get_child("client_networks", mapping["client_networks"]).read_items()
        settings["client_networks"] = [text for network in networks if (text := network.read_string())]
    return settings


def _read_tls(cursor: Cursor, folder: Path | None) -> Tls:
    mapping = cursor.read_known_keys(TLS_KEYS) or {}
    settings: dict[str, Any] = {
        key: cursor.get_child(key, mapping[key]).read_boolean()
        for key in ("verify", "required")
        if key in mapping
    }
    if "ca" in mapping and (
        text := cursor.get_child("ca", mapping["ca"]).read_string(max_length=PEM_LENGTH_LIMIT)
    ):
        settings["ca"] = _read_certificates(cursor.get_child("ca", text), text, folder)
    if mapping.get("verify") is True and "ca" not in mapping:
        cursor.get_child("ca", None).add_problem(
            "a CA if verify is true", do="there is nothing to verify against"
        )
    return Tls(**{key: value for key, value in settings.items() if value is not None})


def _read_certificates(cursor: Cursor, text: str, folder: Path | None) -> str | None:
    """Return the certificates: the text itself, or what is in the file that it names."""
    if "-----BEGIN" in text:
        return text
    if folder is None:
        return cursor.add_problem("certificates in PEM", "the name of a file", "put its content here")
    path = folder / text
    try:
        with path.open("rb") as file:
            return read_limited(file).decode("ascii")
    except OSError as error:
        return cursor.add_problem(
            "certificates in PEM, or a file that holds them", f"{path}: {error.strerror}"
        )
    except UnicodeDecodeError:
        return cursor.add_problem("certificates in PEM, or a file that holds them", f"{path}: no PEM")


def _read_dialect(cursor: Cursor) -> Dialect:
    names = [str(dialect) for dialect in Dialect]
    if cursor.value in names:
        return Dialect(cursor.value)
    cursor.add_problem(" or ".join(names), repr(cursor.value) if isinstance(cursor.value, str) else "")
    return Dialect.CFN


def _read_passwords(cursor: Cursor, can_name_files: bool) -> tuple[Passwords, str | None]:
    """Read who chooses the passwords, and the name of the file if there is one."""
    if cursor.value == "heat":
        return Passwords.HEAT, None
    if cursor.value == "generated":
        return Passwords.PARAMETERS, None
    if can_name_files and isinstance(cursor.value, dict) and cursor.value.keys() == {"file"}:
        return Passwords.PARAMETERS, cursor.get_child("file", cursor.value["file"]).read_string()
    # The value is not shown: it may be a password.
    file = ", or a mapping with file: and the name of a file" if can_name_files else ""
    cursor.add_problem(f"heat or generated{file}")
    return Passwords.HEAT, None


def _read_replicas(cursor: Cursor, defaults: Mapping[str, str], common: Node, model: Node) -> list[Node]:
    """Read a list of nodes, or a number of nodes like the `model`."""
    if isinstance(cursor.value, int) and not isinstance(cursor.value, bool):
        return [model] * (cursor.read_integer(0, RESOURCE_LIMIT) or 0)
    if not isinstance(cursor.value, list):
        cursor.add_problem("a list, or how many")
        return []
    if len(cursor.value) > RESOURCE_LIMIT:
        cursor.add_problem(f"at most {RESOURCE_LIMIT} replicas", str(len(cursor.value)))
        return []
    return [_read_node(node, defaults, common) for node in cursor.read_items()]


def _read_node(cursor: Cursor, defaults: Mapping[str, str], common: Node) -> Node:
    """Read a node. `common` has the volume and the zone of those that say nothing else."""
    mapping = cursor.read_known_keys(frozenset({*NODE_KEYS, "volume", "zone"}))
    if mapping is None:
        return PLACEHOLDER_NODE
    values: dict[str, str] = {}
    for key in NODE_KEYS:
        if key in mapping:
            values[key] = cursor.get_child(key, mapping[key]).read_string() or "wrong"
        elif key in defaults:
            values[key] = defaults[key]
        else:
            do = f"set it here, or once for all nodes: {key}: ... at the top of the file"
            cursor.get_child(key, None).add_problem("a string", do=do)
            values[key] = "missing"
    return Node(
        values["flavor"],
        values["image"],
        volume=_read_volume(cursor, mapping) or common.volume,
        zone=_read_zone(cursor, mapping) or common.zone,
    )


def _read_volume(cursor: Cursor, mapping: Mapping[str, object]) -> StackVolume | None:
    return STACK_VOLUME.read(cursor.get_child("volume", mapping["volume"])) if "volume" in mapping else None


def _read_zone(cursor: Cursor, mapping: Mapping[str, object]) -> str | None:
    return ZONE.read(cursor.get_child("zone", mapping["zone"])) if "zone" in mapping else None
