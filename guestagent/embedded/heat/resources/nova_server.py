"""OS::Nova::Server: HOT's server, which polls Heat for its metadata and is changed in place wherever that can be."""

from __future__ import annotations

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

UPDATE_POLICIES: Mapping[str, str] = {  # properties with a say in what becomes of their change
    "flavor": "flavor_update_policy",
    "image": "image_update_policy",
    "user_data": "user_data_update_policy",
}


class NovaServer(ResourceType):
    """Metadata, flavor and name change in place; image and user data as their policies say."""

    schema: ClassVar[Schema] = SERVER_SCHEMA
    attributes = frozenset(
        {
            "name", "addresses", "networks", "first_address", "instance_name", "accessIPv4", "accessIPv6",
            "console_urls", "tags", "os_collect_config",
        }
    )  # fmt: skip

    def __init__(self, around: CloudContext) -> None:
        self._around = around

    def validate(self, definition: ResourceDefinition, template: Template) -> None:
        given = definition.properties
        if given.get("user_data_format") == "SOFTWARE_CONFIG" and "deployments" in definition.metadata:
            raise StackValidationFailed(
                "deployments key not allowed in resource metadata with user_data_format of SOFTWARE_CONFIG"
            )
        if given.get("image") is None:
            raise StackValidationFailed(
                f"Neither image nor bootable volume is specified for instance {definition.name}"
            )
        wires = given.get("networks")
        wires = [wire for wire in wires if isinstance(wire, dict)] if isinstance(wires, list) else []
        if any("port" in wire for wire in wires) and given.get("security_groups"):
            raise ResourcePropertyConflict("security_groups", "networks/port")
        if len(wires) > 1:
            raise NotSupported(
                f"More than one network (of {definition.name}), by this imitation of Heat, is not supported."
            )

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        wanted = resource.properties
        if _polls(wanted):
            resource.write_metadata(self._polling(resource, stack))
        servers = self._around.compute
        resource.physical_id = await servers.create(
            _name(resource, stack),
            str(wanted["flavor"]),
            str(wanted["image"]),
            self._user_data(resource),
            str(wanted["key_name"]) if wanted["key_name"] else None,
            self._port(wanted),
        )
        servers.get_server(resource.physical_id).metadata.update(_texts(wanted["metadata"]))
        await servers.wait_until_active(resource.physical_id)

    def update_metadata(self, resource: StackResource, declared: Mapping[str, object]) -> None:
        resource.write_metadata(
            merge_metadata(resource.metadata, declared) if _polls(resource.properties) else dict(declared)
        )

    def refresh_metadata(self, resource: StackResource) -> None:
        """The template's metadata laid over its own: a key that both have is the template's, Heat's part in it gone."""
        resource.write_metadata({**resource.metadata, **resource.template_metadata})

    def needs_replacement(self, before: Properties, after: Properties, changed: frozenset[str]) -> bool:
        return any(name in changed and after[policy] == "REPLACE" for name, policy in UPDATE_POLICIES.items())

    def can_update_failed(self, resource: StackResource) -> bool:
        try:
            return self._around.compute.get_server(resource.physical_id).status != "ERROR"
        except EntityNotFound:
            return False

    async def prepare_for_replace(self, resource: StackResource, stack: HeatStack) -> None:
        """Its port is needed: Heat pulls the wire and keeps the server until the end, here it goes at once."""
        if resource.physical_id and _wire(resource.properties).get("port"):
            await self._around.compute.delete(resource.physical_id)

    async def update(self, resource: StackResource, stack: HeatStack, changed: frozenset[str]) -> None:
        wanted, servers = resource.properties, self._around.compute
        if "software_config_transport" in changed and _polls(wanted):
            resource.write_metadata(self._polling(resource, stack))
        if "metadata" in changed:
            servers.get_server(resource.physical_id).metadata = _texts(wanted["metadata"])
        if "name" in changed:
            servers.get_server(resource.physical_id).name = _name(resource, stack)
        if "networks" in changed:
            raise _lacking("another network for a running server")
        if "flavor" in changed:
            await servers.resize(resource.physical_id, str(wanted["flavor"]))
        if "image" in changed or ("user_data" in changed and wanted["user_data_update_policy"] == "REBUILD"):
            raise _lacking("rebuilding a server")

    async def delete(self, resource: StackResource, stack: HeatStack) -> None:
        self._around.stack_users.remove(resource.data.get("user", ""))
        self._around.ec2_credentials.revoke(resource.data.get("access", ""))
        if resource.physical_id:
            await self._around.compute.delete(resource.physical_id)

    def get_attribute(self, resource: StackResource, stack: HeatStack, name: str) -> object:
        if not resource.physical_id:
            return None
        if name == "name":
            return _name(resource, stack)
        if name == "os_collect_config":
            return resource.metadata.get("os-collect-config", {})
        ports = self._around.compute.networking.list_server_ports(resource.physical_id)
        network = self._around.compute.networking.network
        known: Mapping[str, object] = {
            "first_address": ports[0].address if ports else "",
            "networks": format_networks(ports) if ports else "",
            "addresses": format_addresses(ports, network) if ports else "",
            "accessIPv4": "",
            "accessIPv6": "",
        }
        return known.get(name)

    def _user_data(self, resource: StackResource) -> bytes:
        wanted, script = resource.properties, str(resource.properties["user_data"] or "")
        if wanted["user_data_format"] == "RAW":
            return check_length(script.encode())
        if _polls(wanted):
            return check_length(build_config_data(resource.metadata, script))
        return check_length(build_cfntools_data(resource.metadata, script, self._around.cfn_url))

    def _polling(self, resource: StackResource, stack: HeatStack) -> dict[str, object]:
        """Its metadata with the settings to poll it with, and with the user or the keys that they name."""
        if resource.properties["software_config_transport"] == "POLL_SERVER_HEAT":
            user = self._around.stack_users.find(resource.data.get("user", ""))
            if user is None:
                name = stack.build_physical_name(resource)
                user = self._around.stack_users.add(
                    name, stack.user_project, stack.id, resource.name, generate_password(), reads=True
                )
                resource.data["user"] = user.id
            return merge_settings(resource.metadata, build_heat_settings(user, resource, stack, self._around))
        pair = self._around.ec2_credentials.find(resource.data.get("access", ""))
        if pair is None:
            pair = self._around.ec2_credentials.create(stack.id, resource.name)
            resource.data["access"] = pair.access_key
        return merge_settings(resource.metadata, build_cfn_settings(pair, resource, stack, self._around))

    def _port(self, wanted: Properties) -> str:
        """The port that it is told to use, or one made for the address that it is told to have."""
        wire = _wire(wanted)
        if wire.get("port"):
            return str(wire["port"])
        if wire.get("fixed_ip"):
            return self._around.compute.networking.add_port(address=str(wire["fixed_ip"]), ours=True).id
        return ""


def _wire(properties: Properties) -> Mapping[str, object]:
    """Its one network, as asked for; nothing where none is named."""
    wires = properties["networks"]
    return wires[0] if isinstance(wires, list) and wires else {}


def _polls(properties: Properties) -> bool:
    return properties["user_data_format"] == "SOFTWARE_CONFIG"


def _name(resource: StackResource, stack: HeatStack) -> str:
    return str(resource.properties["name"] or stack.build_physical_name(resource))


def _texts(metadata: object) -> dict[str, str]:
    return {str(key): str(value) for key, value in metadata.items()} if isinstance(metadata, dict) else {}


def _lacking(what: str) -> ResourceFailure:
    return ResourceFailure("NotSupported", f"{what}, by this imitation of Heat, is not supported.")
