"""Clusters in which a replica joins, and their documents with Heat's functions resolved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from guestagent.controller import Cluster, Dialect, render
from guestagent.controller.donor_certificate import create_certificate
from guestagent.controller.seed import UNKNOWN_SIZE, SourceSize
from guestagent.controller.template.keys import CFN_KEYS, HOT_KEYS
from guestagent.metadata import Document, parse
from tests.support.cluster_strategies import SMALL, build_cluster

GIB = 1 << 30
CERTIFICATE = create_certificate("Master0000")


def build_joining_cluster(
    dialect: Dialect = Dialect.HOT, size: SourceSize = UNKNOWN_SIZE, **settings: Any
) -> Cluster:
    """A cluster of a source and a replica, and another replica that joins."""
    cluster = build_cluster(1, dialect=dialect, **settings).add_replica(SMALL, size)
    has_ca = cluster.tls is not None and cluster.tls.ca is not None
    return cluster if has_ca else replace(cluster, donor_certificate=CERTIFICATE.certificate)


def render_resources(cluster: Cluster) -> dict[str, Any]:
    keys = HOT_KEYS if cluster.dialect is Dialect.HOT else CFN_KEYS
    resources: dict[str, Any] = render(cluster)[keys.resources]
    return resources


def read_documents(cluster: Cluster) -> dict[str, Document]:
    """Return each node's document as its agent gets it: passwords are the names of their resources."""
    keys = HOT_KEYS if cluster.dialect is Dialect.HOT else CFN_KEYS
    resources = render_resources(cluster)
    return {
        node.name: parse(_resolve(resources[node.name][keys.metadata], resources, keys.properties))
        for node in cluster
    }


def _resolve(value: Any, resources: dict[str, Any], properties: str) -> Any:
    match value:
        case {"get_attr": [name, "value"]} | {"Fn::GetAtt": [name, "value"]}:
            return resources[name].get(properties, {}).get("value", name)
        case {"get_param": name} | {"Ref": name}:
            return _resolve_name(name)
        case {"get_attr": [name, "signal"]}:
            return _resolve_name(name)
        case {"get_attr": _} | {"Fn::GetAtt": _}:
            return "10.0.0.7"
        case dict():
            return {key: _resolve(child, resources, properties) for key, child in value.items()}
        case list():
            return [_resolve(child, resources, properties) for child in value]
    return value


def _resolve_name(name: str) -> str:
    if name == "DonorKey":
        return CERTIFICATE.key.reveal()
    return "http://heat.example/signal" if "Handle" in name else name
