"""One request of each type that NATIVES can send, with the key of its record."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from guestagent.resources.natives import requests as sent
from guestagent.resources.natives.requests import CloudRequest
from guestagent.resources.rule import build_rule
from guestagent.resources.store.records import ResourceKey, ResourceKind

NAME = "Slave0000"
RULE = build_rule(ip_network("192.0.2.0/24"), port_min=3306)
GROUP_KEY = ResourceKey("shop", ResourceKind.GROUP, name="database")
SERVER_GROUP_KEY = ResourceKey("shop", ResourceKind.SERVER_GROUP)
RULE_KEY = ResourceKey("shop", ResourceKind.RULE, name=f"database/{RULE.key}")
SERVER: dict[str, Any] = {
    "name": "",
    "flavor": "m1.small",
    "image": "db",
    "port_id": "PORT",
    "volume_id": "VOLUME",
}


def build_key(kind: ResourceKind, epoch: int = 1) -> ResourceKey:
    return ResourceKey("shop", kind, NAME, epoch=epoch)


SAMPLES: tuple[tuple[CloudRequest, ResourceKey], ...] = (
    (sent.CreateGroup(name="", description=""), GROUP_KEY),
    (sent.CreateRule(group_id="GROUP", rule=RULE), RULE_KEY),
    (sent.DeleteRule(rule_id="RULE"), RULE_KEY),
    (sent.DeleteGroup(group_id="GROUP"), GROUP_KEY),
    (sent.CreateServerGroup(name="", policy="soft-anti-affinity"), SERVER_GROUP_KEY),
    (sent.DeleteServerGroup(group_id="GROUP"), SERVER_GROUP_KEY),
    (
        sent.CreateVolume(name="", size_gib=10, volume_type=None, zone=None),
        build_key(ResourceKind.VOLUME),
    ),
    (sent.GrowVolume(volume_id="VOLUME", size_gib=20), build_key(ResourceKind.GROWTH)),
    (sent.DeleteAttachment(attachment_id="ATTACHMENT"), build_key(ResourceKind.VOLUME)),
    (sent.DeleteVolume(volume_id="VOLUME"), build_key(ResourceKind.VOLUME)),
    (
        sent.CreatePort(name="", description="", network="private", subnet=None, groups=()),
        build_key(ResourceKind.PORT),
    ),
    (sent.SetPortGroups(port_id="PORT", groups=()), build_key(ResourceKind.PORT)),
    (sent.DeletePort(port_id="PORT"), build_key(ResourceKind.PORT)),
    (sent.CreateServer(**SERVER, zone=None, key_pair=None), build_key(ResourceKind.SERVER)),
    (sent.CreateServer(**SERVER, zone=None, key_pair=None), build_key(ResourceKind.SERVER, 2)),
    (sent.DeleteServer(server_id="SERVER"), build_key(ResourceKind.SERVER)),
    (sent.ResizeServer(server_id="SERVER", flavor="m1.large"), build_key(ResourceKind.RESIZE)),
    (sent.ConfirmResize(server_id="SERVER"), build_key(ResourceKind.RESIZE)),
    (sent.RevertResize(server_id="SERVER"), build_key(ResourceKind.RESIZE)),
    (sent.MigrateServer(server_id="SERVER"), build_key(ResourceKind.MIGRATION)),
    (sent.ConfirmResize(server_id="SERVER"), build_key(ResourceKind.MIGRATION)),
    (sent.RebootServer(server_id="SERVER", hard=False), build_key(ResourceKind.REBOOT)),
    (sent.RebootServer(server_id="SERVER", hard=True), build_key(ResourceKind.REBOOT)),
)
