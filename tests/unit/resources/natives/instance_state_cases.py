"""Instances in every state, and what others may have changed of one at rest: the rows of two tables."""

from __future__ import annotations

from typing import Any

from guestagent.resources.natives.cloud_api import VolumeAttachment
from guestagent.resources.orders import ResizeVolume
from guestagent.resources.store.records import ResourceKind
from guestagent.resources.views import InstanceState
from tests.support.orders import build_order
from tests.unit.resources.natives.decision_cases import (
    NAME,
    NOW,
    OPERATION_NUMBER,
    build_port,
    build_record,
    build_server,
    build_volume,
)
from tests.unit.resources.natives.decision_parts import (
    BUILT,
    FAILURE,
    GONE,
    INTENDED,
    PORT,
    REFUSED,
    REFUSED_OUTRIGHT,
    RUNNING,
    SERVER,
    SUCCESS,
    VOLUME,
    act,
    move,
)

GROW = build_order(ResizeVolume, instance=NAME, size_gib=20)
ATTACHED = VolumeAttachment(id="a", volume_id="volume-1", server_id="server-1", status="attached")
AT_REST: dict[str, Any] = {
    **RUNNING,
    "order": None,
    "signal": SUCCESS,
    "attachment": ATTACHED,
    "cloud_port": build_port(device_id="server-1", addresses=("10.0.0.1",)),
    "port": build_record(PORT, address="10.0.0.1", was_used=True),
}
GROWTH = build_record(ResourceKind.GROWTH, epoch=OPERATION_NUMBER, cloud_id=None, intended_at=NOW)
STATES: dict[str, tuple[dict[str, Any], InstanceState, str]] = {
    "nothing is made": (
        {"volume": None, "port": None, "cloud_volume": None, "cloud_port": None},
        InstanceState.NEW,
        "",
    ),
    "its volume is being made": (
        {
            "cloud_volume": build_volume("creating"),
            "volume": build_record(VOLUME, intended_at=NOW),
            "port": None,
        },
        InstanceState.BUILDING,
        "is creating",
    ),
    "it waits for its server": ({}, InstanceState.BUILDING, ""),
    "the answer about its server is lost": (
        {"server": build_record(SERVER, INTENDED)},
        InstanceState.BUILDING,
        "is lost",
    ),
    "Nova builds its server": (
        {
            **BUILT,
            "cloud_server": build_server("BUILD", "spawning"),
            "server": build_record(SERVER, intended_at=NOW),
        },
        InstanceState.BUILDING,
        "BUILD (spawning)",
    ),
    "its first server failed": (
        {**BUILT, "cloud_server": build_server("ERROR", fault="No valid host was found")},
        InstanceState.BUILDING,
        "No valid host",
    ),
    "its first server disappeared": ({**BUILT}, InstanceState.BUILDING, ""),
    "its volume was refused": (
        {"volume": build_record(VOLUME, REFUSED_OUTRIGHT, answer="quota: too many"), "cloud_volume": None},
        InstanceState.ATTENTION,
        "too many",
    ),
    "its node has not read its document": (
        {**BUILT, "cloud_server": build_server()},
        InstanceState.BOOTING,
        "",
    ),
    "it has proved itself": (AT_REST, InstanceState.READY, ""),
    "its node has failed": ({**AT_REST, "signal": FAILURE}, InstanceState.ATTENTION, "disk full"),
    "its server reboots": (
        {**AT_REST, "cloud_server": build_server("HARD_REBOOT", "rebooting_hard")},
        InstanceState.BOOTING,
        "",
    ),
    "a resize is requested": (
        {**move(INTENDED), "actions": act("resize")},
        InstanceState.RESIZING,
        "",
    ),
    "Nova moves it": (
        {**move(), "cloud_server": build_server("RESIZE", "resize_migrating"), "actions": act("resize")},
        InstanceState.RESIZING,
        "",
    ),
    "it is on the new host": (
        {**move(), "cloud_server": build_server("VERIFY_RESIZE"), "actions": act("resize", "Success")},
        InstanceState.VERIFYING,
        "",
    ),
    "it has to return": (
        {
            **move(REFUSED, answer="revert requested: disk full"),
            "cloud_server": build_server("VERIFY_RESIZE"),
            "actions": act("resize", "Success"),
        },
        InstanceState.REVERTING,
        "disk full",
    ),
    "Nova returns it": (
        {**AT_REST, "cloud_server": build_server("REVERT_RESIZE", "resize_reverting")},
        InstanceState.REVERTING,
        "",
    ),
    "its volume is extending": (
        {**AT_REST, "cloud_volume": build_volume("extending"), "order": GROW, "action": GROWTH},
        InstanceState.GROWING,
        "extending",
    ),
    "somebody else extends its volume": (
        {**AT_REST, "cloud_volume": build_volume("extending")},
        InstanceState.GROWING,
        "",
    ),
    "the growth failed in Cinder": (
        {**AT_REST, "cloud_volume": build_volume("error_extending")},
        InstanceState.ATTENTION,
        "error_extending",
    ),
    "its server is deleted": (
        {**AT_REST, "cloud_server": build_server("ACTIVE", "deleting")},
        InstanceState.DELETING,
        "somebody else deletes",
    ),
    "its server is gone": (
        {**AT_REST, "cloud_server": None},
        InstanceState.GONE,
        "replace the instance",
    ),
    "the record says that its server is gone": (
        {**AT_REST, "cloud_server": None, "server": build_record(SERVER, GONE, was_used=True)},
        InstanceState.GONE,
        "replace the instance",
    ),
    "its volume is gone": (
        {**AT_REST, "cloud_volume": None, "volume": build_record(VOLUME, GONE, was_used=True)},
        InstanceState.ATTENTION,
        "data volume",
    ),
    "its server is in ERROR": (
        {**AT_REST, "cloud_server": build_server("ERROR", fault="libvirt")},
        InstanceState.ATTENTION,
        "libvirt",
    ),
    "its server is stopped": (
        {**AT_REST, "cloud_server": build_server("SHUTOFF")},
        InstanceState.ATTENTION,
        "SHUTOFF",
    ),
    "its cell is down": (
        {**AT_REST, "cloud_server": None, "is_complete": False},
        InstanceState.ATTENTION,
        "does not answer",
    ),
    "its status is unknown": (
        {**AT_REST, "cloud_server": build_server("UNKNOWN")},
        InstanceState.ATTENTION,
        "does not answer",
    ),
    "its creation is cancelled": (
        {**BUILT, "cloud_server": build_server(), "is_cancelled": True},
        InstanceState.DELETING,
        "taken back",
    ),
}


DRIFT: dict[str, tuple[dict[str, Any], str]] = {
    "another flavor": (
        {"cloud_server": build_server(flavor="m1.huge")},
        "server server-1 has flavor m1.huge instead of m1.small",
    ),
    "a server without marks": (
        {"cloud_server": build_server(metadata={})},
        "the marks of server server-1 were removed",
    ),
    "a volume without marks": (
        {"cloud_volume": build_volume("in-use", metadata={})},
        "the marks of volume volume-1 were removed",
    ),
    "a larger volume": (
        {"cloud_volume": build_volume("in-use", 25)},
        "volume volume-1 has 25 GiB instead of 10",
    ),
    "a detached volume": (
        {"cloud_volume": build_volume("available"), "attachment": None},
        "volume volume-1 is not attached to server server-1",
    ),
    "a port without its mark": (
        {"cloud_port": build_port(device_id="server-1", description="")},
        "the mark of port port-1 was removed",
    ),
    "a port at another server": (
        {"cloud_port": build_port(device_id="server-9")},
        "port port-1 is not at server server-1",
    ),
    "a port without the group": (
        {"cloud_port": build_port(device_id="server-1", groups=frozenset())},
        "port port-1 does not have group database",
    ),
    "no port": ({"cloud_port": None}, "port port-1 is gone, and its address with it"),
}
