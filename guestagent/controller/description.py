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
from guestagent.controller.render.contents import MOST_RESOURCES
from guestagent.errors import InvalidCluster, InvalidInput, InvalidMetadata
from guestagent.metadata import Tls
from guestagent.metadata.authentication import LONGEST_PEM
from guestagent.metadata.load import load
from guestagent.problems import Cursor, Problems

NODE = ("flavor", "image")
TEXTS = ("subnet", "network", "key_pair", "replica_network", "metadata_url")
SECONDS = ("deadline", "boot_allowance", "auth_ttl", "polling_interval")
KNOWN = frozenset(
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
        *NODE,
        *TEXTS,
        *SECONDS,
    }
)
TLS = frozenset({"ca", "verify", "required"})
MOST_SECONDS = 10**6  # the cluster itself says what each must be
# Stands for a node that cannot be read, so that whatever else is wrong is found at once.
SOME = Node(flavor="flavor", image="image")


@dataclass(frozen=True, slots=True)
class Description:
    """What a cluster.yaml says: the cluster, and the stack's name where it has one.

    `dialect` is None where the file leaves it open, and the cluster is in the default one then. `password_file` is the
    file that holds the nodes' passwords, as it is named there.
    """

    cluster: Cluster
    name: str | None = None
    dialect: Dialect | None = None
    password_file: str | None = None


def described(text: str, where: str = "") -> Description:
    """What a cluster.yaml's text says (JSON will do too); InvalidCluster with every problem. `where` names the file."""
    try:
        return read(loaded(text, InvalidCluster, where), Path(where).parent)
    except InvalidCluster as error:
        raise InvalidCluster(error.problems, where) from error


def loaded(text: str, invalid: type[InvalidInput], where: str = "") -> object:
    """What a text in YAML or JSON holds; `invalid` where it is neither, or says one key twice."""
    try:
        return load(text)
    except InvalidMetadata as error:
        raise invalid(error.problems, where) from error


def read(document: object, folder: Path = Path()) -> Description:
    """The description that a loaded document holds. Files that it names are looked for in `folder`."""
    problems = Problems()
    at = problems.cursor(document)
    if isinstance(document, dict) and document.keys() & {"Resources", "resources"}:
        at.wrong("a cluster.yaml", "a template")
        problems.raise_if_any(InvalidCluster)
    found = at.known(KNOWN)
    if found is None:
        raise InvalidCluster(problems.found)
    name = at.child("name", found["name"]).string() if "name" in found else None
    usual = {key: at.child(key, found[key]).string() or "wrong" for key in NODE if key in found}
    source = _node(at.child("source", found.get("source", {})), usual)
    model = Node(usual.get("flavor", source.flavor), usual.get("image", source.image))
    replicas = _replicas(at.child("replicas", found.get("replicas", [])), usual, model)
    shared = _shared(at, found, folder)
    passwords, password_file = _passwords(at.child("passwords", found.get("passwords", "heat")))
    try:
        cluster = Cluster.new(source=source, replicas=replicas, passwords=passwords, **shared)
    except InvalidCluster as error:
        raise InvalidCluster([*problems.found, *error.problems]) from error
    problems.raise_if_any(InvalidCluster)
    return Description(cluster, name, shared.get("dialect"), password_file)


def _shared(at: Cursor, found: Mapping[str, object], folder: Path) -> dict[str, Any]:
    """What all nodes share, as far as it can be read."""
    given: dict[str, Any] = {}
    for key in TEXTS:
        if key in found and (text := at.child(key, found[key]).string()):
            given[key] = text
    for key in SECONDS:
        if key in found and (number := at.child(key, found[key]).integer(0, MOST_SECONDS)) is not None:
            given[key] = number
    if "dialect" in found:
        given["dialect"] = _dialect(at.child("dialect", found["dialect"]))
    elif "metadata_url" in given:
        given["dialect"] = Dialect.CFN  # whoever says the address of its API has chosen
    if "tls" in found:
        given["tls"] = _tls(at.child("tls", found["tls"]), folder)
    if "ipv6" in found and (ipv6 := at.child("ipv6", found["ipv6"]).boolean()) is not None:
        given["ipv6"] = ipv6
    if "variables" in found:
        given["variables"] = found["variables"]
    if "client_networks" in found:
        networks = at.child("client_networks", found["client_networks"]).items()
        given["client_networks"] = [text for network in networks if (text := network.string())]
    return given


def _tls(at: Cursor, folder: Path) -> Tls:
    found = at.known(TLS) or {}
    said: dict[str, Any] = {
        key: at.child(key, found[key]).boolean() for key in ("verify", "required") if key in found
    }
    if "ca" in found and (text := at.child("ca", found["ca"]).string(most=LONGEST_PEM)):
        said["ca"] = text if "-----BEGIN" in text else _certificates(at.child("ca", text), folder / text)
    if found.get("verify") is True and "ca" not in found:
        at.child("ca", None).wrong("a CA where verify is true", do="there is nothing to verify against")
    return Tls(**{key: value for key, value in said.items() if value is not None})


def _certificates(at: Cursor, path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii")
    except OSError as error:
        return at.wrong("certificates in PEM, or a file that holds them", f"{path}: {error.strerror}")
    except UnicodeDecodeError:
        return at.wrong("certificates in PEM, or a file that holds them", f"{path}: no PEM")


def _dialect(at: Cursor) -> Dialect:
    names = [str(dialect) for dialect in Dialect]
    if at.value in names:
        return Dialect(at.value)
    at.wrong(" or ".join(names), repr(at.value) if isinstance(at.value, str) else "")
    return Dialect.CFN


def _passwords(at: Cursor) -> tuple[Passwords, str | None]:
    """Who makes the passwords, and the file that holds them where a person has."""
    if at.value == "heat":
        return Passwords.HEAT, None
    if at.value == "generated":
        return Passwords.PARAMETERS, None
    if isinstance(at.value, dict) and at.value.keys() == {"file"}:
        return Passwords.PARAMETERS, at.child("file", at.value["file"]).string()
    # Not what was found: it may be a password.
    at.wrong("heat, generated, or a mapping with file: and the name of a file")
    return Passwords.HEAT, None


def _replicas(at: Cursor, usual: Mapping[str, str], model: Node) -> list[Node]:
    """A list of nodes, or how many like the `model`."""
    if isinstance(at.value, int) and not isinstance(at.value, bool):
        return [model] * (at.integer(0, MOST_RESOURCES) or 0)
    if not isinstance(at.value, list):
        at.wrong("a list, or how many")
        return []
    return [_node(node, usual) for node in at.items()]


def _node(at: Cursor, usual: Mapping[str, str]) -> Node:
    found = at.known(frozenset(NODE))
    if found is None:
        return SOME
    read: dict[str, str] = {}
    for key in NODE:
        if key in found:
            read[key] = at.child(key, found[key]).string() or "wrong"
        elif key in usual:
            read[key] = usual[key]
        else:
            do = f"say it here, or once for all nodes: {key}: ... at the top of the file"
            at.child(key, None).wrong("a string", do=do)
            read[key] = "missing"
    return Node(flavor=read["flavor"], image=read["image"])
