"""What the hypervisor must know of a server to boot it, as Nova would write it on the server's config drive."""

import base64
import json
from typing import Any

from nova.api.metadata.base import InstanceMetadata

META_DATA, USER_DATA = "openstack/latest/meta_data.json", "openstack/latest/user_data"


def describe_guest(
    instance: Any, image_meta: Any, injected_files: Any, network_info: Any, block_device_info: Any
) -> dict[str, Any]:
    """Describe a server at its first port. One that has none has no address."""
    drive = InstanceMetadata(instance, content=injected_files or (), network_info=network_info)
    files = dict(drive.metadata_for_config_drive())
    metadata = json.loads(files[META_DATA])
    return {
        "id": metadata["uuid"],
        "name": metadata["name"],
        **describe_address(network_info),
        "image": image_meta.name,
        "user_data": base64.b64encode(files.get(USER_DATA, b"")).decode(),
        "instance_metadata": metadata.get("meta", {}),
        "public_keys": metadata.get("public_keys", {}),
        "volumes": list_volumes(block_device_info),
        **describe_size(instance),
    }


def describe_address(network_info: Any) -> dict[str, Any]:
    """Describe the first address of a server."""
    for port in network_info or ():
        for subnet in port["network"]["subnets"]:
            return {
                "address": subnet["ips"][0]["address"],
                "prefix": int(subnet["cidr"].partition("/")[2]),
                "gateway": subnet["gateway"]["address"] or "",
            }
    return {"address": "", "prefix": 0, "gateway": ""}


def describe_size(instance: Any) -> dict[str, Any]:
    """Describe what the flavor gives to a server."""
    flavor = instance.flavor
    return {"flavor": flavor.name, "vcpus": flavor.vcpus, "memory_mb": flavor.memory_mb}


def list_volumes(block_device_info: Any) -> list[str]:
    """List the ids of the volumes that a server begins with."""
    mappings = (block_device_info or {}).get("block_device_mapping", ())
    return [find_volume(each["connection_info"]) for each in mappings]


def find_volume(connection_info: Any) -> str:
    """Return the id of the volume that a connection leads to: our driver in Cinder puts it there."""
    return str(connection_info["data"]["volume_id"])
