"""The marks of our resources in the cloud: a name for people, and the identity in metadata or a description. Pure.

A mark is written by the request that creates a resource. It holds the store's id, so that two managers in one project
leave each other's resources alone, and the key of the resource's record. Names decide nothing: they are not unique.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.resources.store.records import ResourceKey, ResourceKind

ENGINE_NAME = "natives"
METADATA_PREFIX = "guestagent:"
DESCRIPTION_PREFIX = "guestagent "
SERVER_TAG = "guestagent"
NAME_LIMIT = 255
"""Characters of a name, a description, and a key or value of metadata, in Nova, Cinder and Neutron."""
TAG_LIMIT = 60
"""Characters of a tag in Nova, which may contain neither a comma nor a slash."""
TAG_COUNT_LIMIT = 50
CLUSTER_PATTERN = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
"""The names that orders give to clusters. Others may have written a mark, with any text in it."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Whose a resource is: the store's and the cluster's UUID, and the key of its record there."""

    store_id: str
    cluster_id: str
    key: ResourceKey


def build_name(key: ResourceKey) -> str:
    """Return the name of a resource: `ga-shop-Slave0001-e2-server`, for example."""
    epoch = "" if key.epoch == 1 else f"-e{key.epoch}"
    return f"ga-{key.cluster}-{key.instance or key.name}{epoch}-{key.kind}"


def build_metadata(mark: Mark) -> dict[str, str]:
    """Return the metadata of a server or volume."""
    values = {
        "engine": ENGINE_NAME,
        "store": mark.store_id,
        "cluster-id": mark.cluster_id,
        "cluster": mark.key.cluster,
        "kind": str(mark.key.kind),
        "instance": mark.key.instance,
        "epoch": str(mark.key.epoch),
    }
    return {METADATA_PREFIX + name: value for name, value in values.items()}


def build_tags(mark: Mark) -> tuple[str, ...]:
    """Return the tags of a server: ours, and one that its cluster shares with no other."""
    text = f"{mark.store_id}/{mark.cluster_id}"
    return (SERVER_TAG, f"ga:{hashlib.sha256(text.encode()).hexdigest()[:32]}")


def build_description(mark: Mark) -> str:
    """Return the description of a port or security group."""
    key = mark.key
    parts = (
        mark.store_id,
        mark.cluster_id,
        key.cluster,
        key.instance,
        key.name,
        str(key.kind),
        str(key.epoch),
    )
    return DESCRIPTION_PREFIX + "/".join(parts)


def parse_metadata(metadata: Mapping[str, str]) -> Mark | None:
    """Return the mark in a server's or volume's metadata; None if it is not one of ours."""
    if metadata.get(METADATA_PREFIX + "engine") != ENGINE_NAME:
        return None
    names = ("store", "cluster-id", "cluster", "instance", "", "kind", "epoch")
    return _build_mark(*(metadata.get(METADATA_PREFIX + name, "") for name in names))


def parse_description(text: str) -> Mark | None:
    """Return the mark in a port's or group's description; None if it is not one of ours."""
    parts = text.removeprefix(DESCRIPTION_PREFIX).split("/")
    if not text.startswith(DESCRIPTION_PREFIX) or len(parts) != 7:
        return None
    return _build_mark(*parts)


def _build_mark(
    store_id: str, cluster_id: str, cluster: str, instance: str, name: str, kind: str, epoch: str
) -> Mark | None:
    if (
        not (store_id and cluster_id and CLUSTER_PATTERN.fullmatch(cluster))
        or not epoch.isascii()
        or not epoch.isdigit()
        or len(epoch) > 9
    ):
        return None
    try:
        return Mark(
            store_id, cluster_id, ResourceKey(cluster, ResourceKind(kind), instance, name, int(epoch))
        )
    except ValueError:
        return None
