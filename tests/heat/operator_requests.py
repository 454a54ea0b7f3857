"""Requests that an operator makes and our controller does not; reads that do a stack in progress no harm."""

from __future__ import annotations

import json
from typing import Any

from tests.support.guest_cloud import GuestCloud


def list_events(cloud: GuestCloud, name: str) -> list[tuple[str, str]]:
    """What happened to which resource of a stack, in its order."""
    stack = cloud.heat.stacks(name)[0]
    listed = request_heat(cloud, "GET", f"/stacks/{name}/{stack.id}/events?limit=1000").json()["events"]
    return [(event["resource_status"], event["resource_name"]) for event in reversed(listed)]


def request_heat(cloud: GuestCloud, method: str, path: str, **more: Any) -> Any:
    """Heat's answer."""
    return cloud.operator.orchestration.request(path, method, **more)


def read_signal_status(cloud: GuestCloud, guest: str) -> str:
    """What `guestagent status` says there of the signal."""
    status = json.loads(cloud.hypervisor.run_command(guest, ["guestagent", "status", "--json"]).stdout)
    return str(status["signal"])
