"""OS::Nova::Server: HOT's server, which polls Heat for its metadata and is changed in place if that is possible."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar

from guestagent.embedded.heat.resources.nova_server_addresses import format_addresses, format_networks
from guestagent.embedded.heat.resources.nova_server_schema import SERVER_SCHEMA
from guestagent.embedded.heat.resources.os_collect_config import (
    build_cfn_settings,
    build_heat_settings,
    merge_metadata,
    merge_settings,
)
from guestagent.embedded.heat.resources.resource_type import CloudContext, Properties, ResourceType
from guestagent.embedded.heat.resources.stack import HeatStack, StackResource
from guestagent.embedded.heat.resources.user_data import build_cfntools_data, build_config_data, check_length
from guestagent.embedded.heat.resources.user_password import generate_password
from guestagent.embedded.heat.template.errors import ResourcePropertyConflict, StackValidationFailed
from guestagent.embedded.heat.template.parser import ResourceDefinition, Template
from guestagent.embedded.heat.template.property_schema import Schema
from guestagent.embedded.http.errors import EntityNotFound, NotSupported, ResourceFailure
from guestagent.embedded.openstack.cinder.volumes import BootVolume

UPDATE_POLICIES: Mapping[str, str] = {  # properties with a policy for their changes
    "flavor": "flavor_update_policy",
    "image": "image_update_policy",
    "user_data": "user_data_update_policy",
}


class NovaServer(ResourceType):
    """Metadata, flavor and name change in place; image and user data according to their policies."""

    schema: ClassVar[Schema] = SERVER_SCHEMA
    attributes = frozenset(
        {
            "name", "addresses", "networks", "first_address", "instance_name", "accessIPv4", "accessIPv6",
            "console_urls", "tags", "os_collect_config",
        }
    )  # fmt: skip

    def __init__(self, context: CloudContext) -> None:
        self._context = context

    def validate(self, definition: ResourceDefinition, template: Template) -> None:
        properties = definition.properties
        if properties.get("user_data_format") == "SOFTWARE_CONFIG" and "deployments" in definition.metadata:
            raise StackValidationFailed(
                "deployments key not allowed in resource metadata with user_data_format of SOFTWARE_CONFIG"
            )
        if properties.get("image") is None:
            raise StackValidationFailed(
                f"Neither image nor bootable volume is specified for instance {definition.name}"
            )
        networks = properties.get("networks")
        networks = (
            [network for network in networks if isinstance(network, dict)]
            if isinstance(networks, list)
            else []
        )
        if any("port" in network for network in networks) and properties.get("security_groups"):
            raise ResourcePropertyConflict("security_groups", "networks/port")
        devices = properties.get("block_device_mapping_v2")
        if isinstance(devices, list) and any(
            isinstance(each, dict) and each.get("boot_index", 0) != -1 for each in devices
        ):
            raise NotSupported(
                f"A boot from a volume (of {definition.name}), by this imitation of Heat, is not supported."
            )
        if len(networks) > 1:
            raise NotSupported(
                f"More than one network (of {definition.name}), by this imitation of Heat, is not supported."
            )

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        properties = resource.properties
        if _uses_polling(properties):
            resource.write_metadata(self._build_polling_metadata(resource, stack))
        compute = self._context.compute
        resource.physical_id = await compute.create(
            _get_server_name(resource, stack),
            str(properties["flavor"]),
            str(properties["image"]),
            self._build_user_data(resource),
            str(properties["key_name"]) if properties["key_name"] else None,
            self._find_or_create_port(properties),
            metadata=_convert_to_text(properties["metadata"]),
            volumes=_read_volumes(properties),
        )
        await compute.wait_until_active(resource.physical_id)

    def update_metadata(self, resource: StackResource, declared: Mapping[str, object]) -> None:
        resource.write_metadata(
            merge_metadata(resource.metadata, declared)
            if _uses_polling(resource.properties)
            else dict(declared)
        )

    def refresh_metadata(self, resource: StackResource) -> None:
        """Merge the template's metadata into the server's. For a key in both the template's value wins."""
        resource.write_metadata({**resource.metadata, **resource.template_metadata})

    def needs_replacement(self, before: Properties, after: Properties, changed: frozenset[str]) -> bool:
        return any(name in changed and after[policy] == "REPLACE" for name, policy in UPDATE_POLICIES.items())

    def can_update_failed(self, resource: StackResource) -> bool:
        try:
            return self._context.compute.get_server(resource.physical_id).status != "ERROR"
        except EntityNotFound:
            return False

    async def prepare_for_replace(self, resource: StackResource, stack: HeatStack) -> None:
        """Free the port for the replacement. Heat only detaches it here, and deletes the server at the end."""
        if resource.physical_id and _get_network(resource.properties).get("port"):
            await self._context.compute.delete(resource.physical_id)

    async def update(self, resource: StackResource, stack: HeatStack, changed: frozenset[str]) -> None:
        properties, compute = resource.properties, self._context.compute
        if "software_config_transport" in changed and _uses_polling(properties):
            resource.write_metadata(self._build_polling_metadata(resource, stack))
        if "metadata" in changed:
            compute.get_server(resource.physical_id).metadata = _convert_to_text(properties["metadata"])
        if "name" in changed:
            compute.get_server(resource.physical_id).name = _get_server_name(resource, stack)
        if "networks" in changed:
            raise _build_not_supported("another network for a running server")
        if "flavor" in changed:
            await compute.resize(resource.physical_id, str(properties["flavor"]))
        if "image" in changed or (
            "user_data" in changed and properties["user_data_update_policy"] == "REBUILD"
        ):
            raise _build_not_supported("rebuilding a server")

    async def delete(self, resource: StackResource, stack: HeatStack) -> None:
        self._context.stack_users.remove(resource.data.get("user", ""))
        self._context.ec2_credentials.revoke(resource.data.get("access", ""))
        if resource.physical_id:
            await self._context.compute.delete(resource.physical_id)

    def get_attribute(self, resource: StackResource, stack: HeatStack, name: str) -> object:
        if not resource.physical_id:
            return None
        if name == "name":
            return _get_server_name(resource, stack)
        if name == "os_collect_config":
            return resource.metadata.get("os-collect-config", {})
        ports = self._context.compute.networking.list_server_ports(resource.physical_id)
        network = self._context.compute.networking.network
        attributes_by_name: Mapping[str, object] = {
            "first_address": ports[0].address if ports else "",
            "networks": format_networks(ports) if ports else "",
            "addresses": format_addresses(ports, network) if ports else "",
            "accessIPv4": "",
            "accessIPv6": "",
        }
        return attributes_by_name.get(name)

    def _build_user_data(self, resource: StackResource) -> bytes:
        properties, script = resource.properties, str(resource.properties["user_data"] or "")
        if properties["user_data_format"] == "RAW":
            return check_length(script.encode())
        if _uses_polling(properties):
            return check_length(build_config_data(resource.metadata, script))
        return check_length(build_cfntools_data(resource.metadata, script, self._context.cfn_url))

    def _build_polling_metadata(self, resource: StackResource, stack: HeatStack) -> dict[str, object]:
        """Build the metadata with the settings to poll it, and create the user or the keys that they name."""
        if resource.properties["software_config_transport"] == "POLL_SERVER_HEAT":
            user = self._context.stack_users.find(resource.data.get("user", ""))
            if user is None:
                name = stack.build_physical_name(resource)
                user = self._context.stack_users.add(
                    name,
                    stack.user_project,
                    stack.id,
                    resource.name,
                    generate_password(),
                    can_read_metadata=True,
                )
                resource.data["user"] = user.id
            return merge_settings(
                resource.metadata, build_heat_settings(user, resource, stack, self._context)
            )
        credential = self._context.ec2_credentials.find(resource.data.get("access", ""))
        if credential is None:
            credential = self._context.ec2_credentials.create(stack.id, resource.name)
            resource.data["access"] = credential.access_key
        return merge_settings(
            resource.metadata, build_cfn_settings(credential, resource, stack, self._context)
        )

    def _find_or_create_port(self, properties: Properties) -> str:
        """Return the port in the properties, or create one for the address in them."""
        network = _get_network(properties)
        if network.get("port"):
            return str(network["port"])
        if network.get("fixed_ip"):
            return self._context.compute.networking.add_port(
                address=str(network["fixed_ip"]), is_server_owned=True
            ).id
        return ""


def _get_network(properties: Properties) -> Mapping[str, object]:
    """Return the one network of the properties; nothing if there is none."""
    networks = properties["networks"]
    return networks[0] if isinstance(networks, list) and networks else {}


def _read_volumes(properties: Properties) -> list[BootVolume]:
    devices = properties["block_device_mapping_v2"]
    return [
        BootVolume(str(each["volume_id"]), bool(each["delete_on_termination"]))
        for each in (devices if isinstance(devices, list) else [])
    ]


def _uses_polling(properties: Properties) -> bool:
    return properties["user_data_format"] == "SOFTWARE_CONFIG"


def _get_server_name(resource: StackResource, stack: HeatStack) -> str:
    return str(resource.properties["name"] or stack.build_physical_name(resource))


def _convert_to_text(metadata: object) -> dict[str, str]:
    """Convert metadata for Nova, which takes texts only: other values become JSON, as with Heat."""
    if not isinstance(metadata, dict):
        return {}
    return {
        str(key): value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()
    }


def _build_not_supported(feature: str) -> ResourceFailure:
    return ResourceFailure("NotSupported", f"{feature}, by this imitation of Heat, is not supported.")
