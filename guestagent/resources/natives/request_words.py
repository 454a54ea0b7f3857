"""What requests and records are called in steps, events and logs: "create the server of Slave0000". Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from guestagent.resources.natives import requests as sent
from guestagent.resources.natives.cloud_api import CloudServer, CloudVolume
from guestagent.resources.natives.requests import CloudRequest
from guestagent.resources.store.records import ResourceKey, ResourceKind, ResourcePhase

RESET_HINT = "the cloud's administrator has to reset its state"
"""What helps with a volume that Cinder or Nova has left in a state in which it can do nothing."""
ACTION_NAMES = {
    ResourceKind.RESIZE: "resize",
    ResourceKind.MIGRATION: "migration",
    ResourceKind.REBOOT: "restart",
    ResourceKind.GROWTH: "growth",
}
PHASE_NAMES = {
    ResourcePhase.INTENDED: "requested",
    ResourcePhase.CREATED: "there",
    ResourcePhase.REFUSED: "refused",
    ResourcePhase.REFUSED_OUTRIGHT: "refused outright",
    ResourcePhase.GONE: "gone",
}
ACTION_PHASE_NAMES = {**PHASE_NAMES, ResourcePhase.CREATED: "under way", ResourcePhase.GONE: "over"}


def describe_record(key: ResourceKey) -> str:
    """Return what a record is about."""
    if key.kind is ResourceKind.GROUP:
        return f"security group {key.name}"
    if key.kind is ResourceKind.RULE:
        group, _, rule = key.name.partition("/")
        return f"rule {rule} of security group {group}"
    if key.kind is ResourceKind.SERVER_GROUP:
        return f"the server group of {key.cluster}"
    return f"the {ACTION_NAMES.get(key.kind, key.kind)} of {key.instance}"


def describe_phase(key: ResourceKey, phase: ResourcePhase) -> str:
    """Return what a record and its phase say: "the volume of Slave0000 is there"."""
    names = ACTION_PHASE_NAMES if key.kind in ACTION_NAMES else PHASE_NAMES
    return f"{describe_record(key)} is {names[phase]}"


def describe_server(server: CloudServer, instance: str) -> str:
    """Return the server of an instance with its status, and what Nova does with it."""
    task = f" ({server.task_state})" if server.task_state else ""
    return f"server {server.id} of {instance} is {server.status}{task}"


def describe_volume_error(volume: CloudVolume, instance: str) -> str:
    """Return the volume of an instance with its status of an error, and what helps."""
    return f"volume {volume.id} of {instance} is {volume.status}: {RESET_HINT}"


def describe_request(request: CloudRequest, key: ResourceKey) -> str:
    """Return what a request does, in the imperative. `key` is that of its record."""
    return _REQUEST_WORDS[type(request)](request, key)


def _name_creation(request: CloudRequest, key: ResourceKey) -> str:
    """Name the thing that is created; from the second epoch on there was one before."""
    text = describe_record(key)
    return f"create {text}" if key.epoch == 1 else f"create {text.replace('the ', 'another ', 1)}"


def _name_deletion(request: CloudRequest, key: ResourceKey) -> str:
    return f"delete {describe_record(key)}"


def _name_action(words: str) -> Callable[[Any, ResourceKey], str]:
    return lambda request, key: words.format(request=request, instance=key.instance)


def _name_move(verb: str) -> Callable[[Any, ResourceKey], str]:
    return lambda request, key: f"{verb} {describe_record(key)}"


_REQUEST_WORDS: Mapping[type, Callable[[Any, ResourceKey], str]] = {
    sent.CreateGroup: _name_creation,
    sent.DeleteGroup: _name_deletion,
    sent.CreateRule: _name_creation,
    sent.DeleteRule: _name_deletion,
    sent.CreateServerGroup: _name_creation,
    sent.DeleteServerGroup: _name_deletion,
    sent.CreateVolume: _name_creation,
    sent.GrowVolume: _name_action("grow the volume of {instance} to {request.size_gib} GiB"),
    sent.DeleteVolume: _name_deletion,
    sent.DeleteAttachment: _name_action(
        "release the volume of {instance}, which is reserved for a server that is not there"
    ),
    sent.CreatePort: _name_creation,
    sent.SetPortGroups: _name_action("set the security groups of the port of {instance}"),
    sent.DeletePort: _name_deletion,
    sent.CreateServer: _name_creation,
    sent.DeleteServer: _name_deletion,
    sent.ResizeServer: _name_action("resize {instance} to flavor {request.flavor}"),
    sent.ConfirmResize: _name_move("confirm"),
    sent.RevertResize: _name_move("revert"),
    sent.MigrateServer: _name_action("move {instance} to another host"),
    sent.RebootServer: lambda request, key: f"restart {key.instance}{' hard' if request.hard else ''}",
}
