"""The data volumes of a HOT template: made by the stack, and attached in the request that creates their server."""

from __future__ import annotations

from guestagent.controller.cluster import Cluster
from guestagent.controller.node import Node
from guestagent.controller.node_volume import StackVolume
from guestagent.controller.template.nested_values import has_key, read_integer, read_optional_string
from guestagent.controller.template.node_values import TemplateMapping
from guestagent.errors import InvalidInput, Problem
from guestagent.metadata.server_metadata import VOLUME_KEY
from guestagent.validation import Cursor

VOLUME_TYPE = "OS::Cinder::Volume"
STACK_NAME = "OS::stack_name"
ENGINE_KEY, CLUSTER_KEY, INSTANCE_KEY, STORE_KEY = (
    "guestagent:engine",
    "guestagent:cluster",
    "guestagent:instance",
    "guestagent:store",
)
"""The metadata of a volume. Only one that a resource manager has made has the last."""
VOLUME_STACK_NAME_LIMIT = 120
"""Characters of the name of a stack with volumes: it is a part of the servers' metadata, whose values Nova limits."""


def build_volume(node: Node, volume: StackVolume) -> TemplateMapping:
    """Build the resource. Its metadata tell whose it was when its stack is gone."""
    volume_type = {} if volume.volume_type is None else {"volume_type": volume.volume_type}
    zone = {} if node.zone is None else {"availability_zone": node.zone}
    marks = {
        ENGINE_KEY: "orchestrator",
        CLUSTER_KEY: {"get_param": STACK_NAME},
        INSTANCE_KEY: node.name,
        **({} if volume.store is None else {STORE_KEY: volume.store}),
    }
    return {
        "type": VOLUME_TYPE,
        "depends_on": "Begin",
        **({"deletion_policy": "Retain"} if volume.is_kept else {}),
        "properties": {"size": volume.size_gib, **volume_type, **zone, "metadata": marks},
    }


def read_stack_volume(resources: Cursor, name: str) -> StackVolume:
    """Read the volume of the resource `name`, which is there."""
    size_gib = read_integer(resources, name, "properties", "size")
    return StackVolume(
        size_gib or 0,
        read_optional_string(resources, name, "properties", "volume_type"),
        is_kept=has_key(resources, name, "deletion_policy"),
        store=read_optional_string(resources, name, "properties", "metadata", STORE_KEY),
    )


def build_server_properties(node: Node, volume: StackVolume) -> TemplateMapping:
    """Build what the server has beside those without a volume. Heat adds the image as the first device."""
    volume_id = node.volume_resource
    return {
        "block_device_mapping_v2": [
            {"volume_id": {"get_resource": volume_id}, "boot_index": -1, "delete_on_termination": False}
        ],
        # For the boot, before the node's document arrives: which volume, of which size at least.
        "metadata": {
            VOLUME_KEY: {
                "Id": {"get_resource": volume_id},
                "SizeGiB": volume.size_gib,
                "New": True,
                "Cluster": {"get_param": STACK_NAME},
                "Node": node.name,
            }
        },
    }


def check_volume_owner(stack_name: str, cluster: Cluster) -> None:
    """Raise InvalidInput if the name of a stack with volumes is too long for the servers' metadata."""
    has_volumes = any(isinstance(node.volume, StackVolume) for node in cluster)
    if has_volumes and len(stack_name) > VOLUME_STACK_NAME_LIMIT:
        expected = f"at most {VOLUME_STACK_NAME_LIMIT} characters for a stack with data volumes"
        raise InvalidInput([Problem("name", expected, str(len(stack_name)))])
