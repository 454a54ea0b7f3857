"""The requests of NATIVES as HTTP calls: the whole list, with every path and body. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from guestagent.resources.natives import requests as sent
from guestagent.resources.natives.requests import CloudRequest
from guestagent.resources.natives.responses import dump_rule_request

COMPUTE, VOLUME, NETWORK, IMAGE = "compute", "block_storage", "network", "image"
SERVICE_NAMES = {COMPUTE: "Nova", VOLUME: "Cinder", NETWORK: "Neutron", IMAGE: "Glance"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall:
    """One call. `created` is the key of the answer's body that has the id of what was created.

    `is_deletion`: what is gone already is as good as deleted. `is_secret`: the body must not be logged.
    """

    service: str
    method: str
    path: str
    body: Any = field(default=None, repr=False)
    created: str = ""
    is_deletion: bool = False
    is_secret: bool = False


class CloudNames(Protocol):
    """The ids of what orders call by name. Raises CloudRequestRefused (`not_found`)."""

    def find_flavor(self, name: str) -> str: ...
    def find_image(self, name: str) -> str: ...
    def find_network(self, name: str, subnet: str | None) -> tuple[str, str | None]:
        """Return the ids of a network ("": that of the subnet) and of the subnet, if one is named."""


def build_call(request: CloudRequest, names: CloudNames) -> HttpCall:
    """Return the call that sends the request."""
    return _BUILDERS[type(request)](request, names)


def _create_group(request: sent.CreateGroup, names: CloudNames) -> HttpCall:
    body = {"security_group": {"name": request.name, "description": request.description}}
    return HttpCall(
        service=NETWORK, method="POST", path="/security-groups", body=body, created="security_group"
    )


def _create_rule(request: sent.CreateRule, names: CloudNames) -> HttpCall:
    body = {"security_group_rule": dump_rule_request(request.rule, request.group_id)}
    return HttpCall(
        service=NETWORK, method="POST", path="/security-group-rules", body=body, created="security_group_rule"
    )


def _create_server_group(request: sent.CreateServerGroup, names: CloudNames) -> HttpCall:
    body = {"server_group": {"name": request.name, "policy": request.policy}}
    return HttpCall(
        service=COMPUTE, method="POST", path="/os-server-groups", body=body, created="server_group"
    )


def _create_volume(request: sent.CreateVolume, names: CloudNames) -> HttpCall:
    values = {
        "name": request.name,
        "size": request.size_gib,
        "volume_type": request.volume_type,
        "availability_zone": request.zone,
        "metadata": dict(request.metadata),
    }
    body = {"volume": {key: value for key, value in values.items() if value is not None}}
    return HttpCall(service=VOLUME, method="POST", path="/volumes", body=body, created="volume")


def _grow_volume(request: sent.GrowVolume, names: CloudNames) -> HttpCall:
    body = {"os-extend": {"new_size": request.size_gib}}
    return HttpCall(service=VOLUME, method="POST", path=f"/volumes/{request.volume_id}/action", body=body)


def _create_port(request: sent.CreatePort, names: CloudNames) -> HttpCall:
    network, subnet = names.find_network(request.network, request.subnet)
    values: dict[str, Any] = {
        "network_id": network,
        "name": request.name,
        "description": request.description,
        "security_groups": list(request.groups),
    }
    if subnet is not None:
        values["fixed_ips"] = [{"subnet_id": subnet}]
    return HttpCall(service=NETWORK, method="POST", path="/ports", body={"port": values}, created="port")


def _set_port_groups(request: sent.SetPortGroups, names: CloudNames) -> HttpCall:
    body = {"port": {"security_groups": list(request.groups)}}
    return HttpCall(service=NETWORK, method="PUT", path=f"/ports/{request.port_id}", body=body)


def _create_server(request: sent.CreateServer, names: CloudNames) -> HttpCall:
    """The data volume is in the server's own request, and is never deleted with the server."""
    image = names.find_image(request.image)
    root = {
        "uuid": image,
        "source_type": "image",
        "destination_type": "local",
        "boot_index": 0,
        "delete_on_termination": True,
    }
    data = {
        "uuid": request.volume_id,
        "source_type": "volume",
        "destination_type": "volume",
        "boot_index": -1,
        "delete_on_termination": False,
    }
    server: dict[str, Any] = {
        "name": request.name,
        "flavorRef": names.find_flavor(request.flavor),
        "imageRef": image,
        "networks": [{"port": request.port_id}],
        "block_device_mapping_v2": [root, data],
        "metadata": dict(request.metadata),
        "tags": list(request.tags),
        "user_data": b64encode(request.user_data.reveal().encode()).decode(),
        "config_drive": True,
        "availability_zone": request.zone,
        "key_name": request.key_pair,
    }
    body: dict[str, Any] = {"server": {key: value for key, value in server.items() if value is not None}}
    if request.server_group is not None:
        body["os:scheduler_hints"] = {"group": request.server_group}
    return HttpCall(
        service=COMPUTE, method="POST", path="/servers", body=body, created="server", is_secret=True
    )


def _build_action(action: str, values: object = None) -> Callable[[Any, CloudNames], HttpCall]:
    def build(request: Any, names: CloudNames) -> HttpCall:
        path = f"/servers/{request.server_id}/action"
        return HttpCall(service=COMPUTE, method="POST", path=path, body={action: values})

    return build


def _resize_server(request: sent.ResizeServer, names: CloudNames) -> HttpCall:
    return _build_action("resize", {"flavorRef": names.find_flavor(request.flavor)})(request, names)


def _reboot_server(request: sent.RebootServer, names: CloudNames) -> HttpCall:
    return _build_action("reboot", {"type": "HARD" if request.hard else "SOFT"})(request, names)


def _build_deletion(service: str, path: str, field_name: str) -> Callable[[Any, CloudNames], HttpCall]:
    def build(request: Any, names: CloudNames) -> HttpCall:
        full_path = f"{path}/{getattr(request, field_name)}"
        return HttpCall(service=service, method="DELETE", path=full_path, is_deletion=True)

    return build


_BUILDERS: Mapping[type, Callable[[Any, CloudNames], HttpCall]] = {
    sent.CreateGroup: _create_group,
    sent.DeleteGroup: _build_deletion(NETWORK, "/security-groups", "group_id"),
    sent.CreateRule: _create_rule,
    sent.DeleteRule: _build_deletion(NETWORK, "/security-group-rules", "rule_id"),
    sent.CreateServerGroup: _create_server_group,
    sent.DeleteServerGroup: _build_deletion(COMPUTE, "/os-server-groups", "group_id"),
    sent.CreateVolume: _create_volume,
    sent.GrowVolume: _grow_volume,
    sent.DeleteVolume: _build_deletion(VOLUME, "/volumes", "volume_id"),
    sent.DeleteAttachment: _build_deletion(VOLUME, "/attachments", "attachment_id"),
    sent.CreatePort: _create_port,
    sent.SetPortGroups: _set_port_groups,
    sent.DeletePort: _build_deletion(NETWORK, "/ports", "port_id"),
    sent.CreateServer: _create_server,
    sent.DeleteServer: _build_deletion(COMPUTE, "/servers", "server_id"),
    sent.ResizeServer: _resize_server,
    sent.ConfirmResize: _build_action("confirmResize"),
    sent.RevertResize: _build_action("revertResize"),
    sent.MigrateServer: _build_action("migrate"),
    sent.RebootServer: _reboot_server,
}
