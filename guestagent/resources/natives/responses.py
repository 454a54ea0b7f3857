"""Reads the answers of Nova, Cinder and Neutron into values, and classifies their refusals. Pure.

Refusals are told apart by status and type. A text counts only where there is nothing else: Nova's 403 is a quota or a
policy, and its 400 a flavor or a zone that is not there, or anything else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from guestagent.resources.natives.cloud_api import (
    CloudGroup,
    CloudPort,
    CloudServer,
    CloudServerGroup,
    CloudVolume,
    ServerAction,
    VolumeAttachment,
)
from guestagent.resources.natives.volume_messages import CloudMessage
from guestagent.resources.operation import RefusalCode
from guestagent.resources.rule import DIRECTIONS, PROTOCOLS, Rule, is_expressible

UNKNOWN_STATUS = "UNKNOWN"
"""Nova's status of a server whose cell is down."""
UUID_PATTERN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
QUOTA_PATTERN = re.compile(r"quota|maximum number|limit", re.I)
MISSING_PATTERN = re.compile(
    r"Flavor \S+ could not be found|Can not find requested image|Invalid key_name provided|"
    r"requested availability zone is not available|Availability zone '[^']*' is invalid"
)
"""What Nova and Cinder reject with 400, and others with 404: something that the order names, and the cloud lacks."""
CAPACITY_TYPES = frozenset({"IpAddressGenerationFailure", "NoMoreFixedIps"})
RESIZE_EVENTS = frozenset({"compute_finish_resize", "compute_finish_snapshot_based_resize_at_dest"})
LAST_EVENTS: Mapping[str, frozenset[str]] = {
    "resize": RESIZE_EVENTS,
    "migrate": RESIZE_EVENTS,
    "confirmResize": frozenset({"compute_confirm_resize", "compute_confirm_snapshot_based_resize_at_source"}),
    "revertResize": frozenset(
        {"compute_finish_revert_resize", "compute_finish_revert_snapshot_based_resize_at_source"}
    ),
}
"""The last events of the actions that have several, within a cell of Nova and between two cells."""
UNDECIDED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""After these a request may or may not have had its effect."""


@dataclass(frozen=True, slots=True)
class ServiceRefusal:
    """Why a service rejected a request. `existing_id` is the rule that is there already."""

    code: RefusalCode
    message: str
    existing_id: str = ""


def read_server(entry: Mapping[str, Any]) -> CloudServer:
    """Read a server. Of one in a cell that is down Nova shows little more than its id."""
    return CloudServer(
        id=str(entry["id"]),
        name=str(entry.get("name") or ""),
        status=str(entry.get("status") or UNKNOWN_STATUS),
        task_state=entry.get("OS-EXT-STS:task_state"),
        flavor=str((entry.get("flavor") or {}).get("original_name") or ""),
        created_at=str(entry.get("created") or ""),
        fault=str((entry.get("fault") or {}).get("message") or "").strip(),
        metadata={str(key): str(value) for key, value in (entry.get("metadata") or {}).items()},
        host_hash=str(entry.get("hostId") or ""),
        image=str((entry.get("image") or {}).get("id") or ""),
        key_pair=entry.get("key_name") or None,
    )


def read_volume(entry: Mapping[str, Any]) -> CloudVolume:
    """Read a volume."""
    return CloudVolume(
        id=str(entry["id"]),
        name=str(entry.get("name") or ""),
        status=str(entry["status"]),
        size_gib=int(entry["size"]),
        is_multiattach=bool(entry.get("multiattach")),
        volume_type=entry.get("volume_type") or None,
        metadata={str(key): str(value) for key, value in (entry.get("metadata") or {}).items()},
    )


def read_attachment(entry: Mapping[str, Any]) -> VolumeAttachment:
    """Read an attachment of Cinder's."""
    return VolumeAttachment(
        id=str(entry["id"]),
        volume_id=str(entry["volume_id"]),
        server_id=str(entry.get("instance") or ""),
        status=str(entry.get("status") or ""),
    )


def read_port(entry: Mapping[str, Any]) -> CloudPort:
    """Read a port."""
    return CloudPort(
        id=str(entry["id"]),
        name=str(entry.get("name") or ""),
        description=str(entry.get("description") or ""),
        device_id=str(entry.get("device_id") or ""),
        groups=frozenset(map(str, entry.get("security_groups") or ())),
        addresses=tuple(str(each["ip_address"]) for each in entry.get("fixed_ips") or ()),
        network=str(entry.get("network_id") or ""),
    )


def read_group(entry: Mapping[str, Any]) -> CloudGroup:
    """Read a security group. The two rules that let everything out are every group's, and no finding."""
    group_id = str(entry["id"])
    rules: dict[str, Rule] = {}
    foreign: set[str] = set()
    for each in entry.get("security_group_rules") or ():
        rule = read_rule(each, group_id)
        if rule is not None:
            rules[str(each["id"])] = rule
        elif not _is_default_rule(each):
            foreign.add(str(each["id"]))
    return CloudGroup(
        id=group_id,
        name=str(entry.get("name") or ""),
        description=str(entry.get("description") or ""),
        rules=rules,
        foreign_rules=frozenset(foreign),
    )


def read_server_group(entry: Mapping[str, Any]) -> CloudServerGroup:
    """Read a server group."""
    return CloudServerGroup(
        id=str(entry["id"]),
        name=str(entry.get("name") or ""),
        members=frozenset(map(str, entry.get("members") or ())),
    )


def read_rule(entry: Mapping[str, Any], group_id: str) -> Rule | None:
    """Read a rule; None for one that no order can have: another group's members, a type of ICMP, another protocol."""
    protocol = {"6": "tcp", "17": "udp", "1": "icmp", "58": "ipv6-icmp"}.get(
        str(entry.get("protocol")), entry.get("protocol")
    )
    remote_group, prefix = entry.get("remote_group_id"), entry.get("remote_ip_prefix")
    ethertype = str(entry.get("ethertype"))
    if protocol not in PROTOCOLS or entry.get("direction") not in DIRECTIONS:
        return None
    if entry.get("remote_address_group_id") is not None:
        return None  # it has no prefix, as if it were for all addresses
    if remote_group not in {None, group_id} or (remote_group is not None and prefix is not None):
        return None
    if remote_group is None and prefix is None:
        prefix = "::/0" if ethertype == "IPv6" else "0.0.0.0/0"
    network = None if prefix is None else ip_network(str(prefix), strict=False)
    rule = Rule(
        network,
        str(protocol),
        entry.get("port_range_min"),
        entry.get("port_range_max"),
        str(entry["direction"]),
        ethertype if network is None else f"IPv{network.version}",
    )
    return rule if is_expressible(rule) else None


def dump_rule_request(rule: Rule, group_id: str) -> dict[str, Any]:
    """Return a rule as Neutron reads it."""
    attributes: dict[str, Any] = {
        "security_group_id": group_id,
        "direction": rule.direction,
        "ethertype": rule.ethertype,
        "protocol": rule.protocol,
        "port_range_min": rule.port_min,
        "port_range_max": rule.port_max,
    }
    other = {"remote_group_id": group_id} if rule.network is None else {"remote_ip_prefix": str(rule.network)}
    return {key: value for key, value in attributes.items() if value is not None} | other


def read_action(entry: Mapping[str, Any], events: Any = ()) -> ServerAction:
    """Read an action; its result is that of its events. In the list only an error shows, by its message."""
    action, message = str(entry["action"]), str(entry.get("message") or "")
    return ServerAction(
        action=action,
        request_id=str(entry.get("request_id") or ""),
        started_at=str(entry.get("start_time") or ""),
        result="Error" if message else _read_result(action, events or ()),
        message=message,
    )


def _read_result(action: str, events: Iterable[Mapping[str, Any]]) -> str:
    """Return the result of an action; "" if it goes on.

    Between two events of a resize nothing shows that another one will follow: only its last event is its success.
    """
    results = [(str(event.get("event") or ""), str(event.get("result") or "")) for event in events]
    if any(result == "Error" for _, result in results):
        return "Error"
    last_events = LAST_EVENTS.get(action)
    if last_events is not None:
        results = [each for each in results if each[0] in last_events]
    is_over = bool(results) and all(result for _, result in results)
    return "Success" if is_over else ""


def read_message(entry: Mapping[str, Any]) -> CloudMessage:
    """Read a message of Cinder."""
    return CloudMessage(text=str(entry["user_message"]), request_id=str(entry.get("request_id") or ""))


def classify_refusal(status: int, body: Any) -> ServiceRefusal:
    """Return why a service has rejected a request with a status of 400 to 499."""
    fault_type, message = _read_fault(body)
    text = message or f"status {status}"
    if fault_type == "SecurityGroupRuleExists":
        found = UUID_PATTERN.findall(message)
        return ServiceRefusal(RefusalCode.EXISTS, text, found[-1] if found else "")
    if fault_type == "OverQuota" or status == 413:
        return ServiceRefusal(RefusalCode.QUOTA, text)
    if fault_type in CAPACITY_TYPES:
        return ServiceRefusal(RefusalCode.NO_CAPACITY, text)
    if status == 404 or (status == 400 and MISSING_PATTERN.search(message)):
        return ServiceRefusal(RefusalCode.NOT_FOUND, text)
    if status == 401 or (status == 403 and not QUOTA_PATTERN.search(message)):
        return ServiceRefusal(RefusalCode.FORBIDDEN, text)
    if status == 403:
        return ServiceRefusal(RefusalCode.QUOTA, text)
    return ServiceRefusal(RefusalCode.REFUSED, text)


def _read_fault(body: Any) -> tuple[str, str]:
    """Return the type and the message of an error: {"NeutronError": {type, message}}, {"badRequest": {message}}."""
    if not isinstance(body, dict) or not body:
        return "", ""
    fault_type, fault = next(iter(body.items()))
    if not isinstance(fault, dict):
        return str(fault_type), str(fault)
    return str(fault.get("type") or fault_type), str(fault.get("message") or "").strip()


def _is_default_rule(entry: Mapping[str, Any]) -> bool:
    remotes = ("remote_ip_prefix", "remote_group_id", "remote_address_group_id")
    limits = ("protocol", "port_range_min", "port_range_max", *remotes)
    return entry.get("direction") == "egress" and all(entry.get(key) is None for key in limits)
