"""Requests that an operator makes and the controller does not. Their reads are safe for a stack in progress."""

from __future__ import annotations

import json
from typing import Any

from tests.support.guest_cloud import GuestCloud


def list_events(cloud: GuestCloud, name: str) -> list[tuple[str, str]]:
    """Return status and resource of each event of a stack, the oldest first."""
    stack = cloud.heat.stacks(name)[0]
    events = request_heat(cloud, "GET", f"/stacks/{name}/{stack.id}/events?limit=1000").json()["events"]
    return [(event["resource_status"], event["resource_name"]) for event in reversed(events)]


def request_heat(cloud: GuestCloud, method: str, path: str, **more: Any) -> Any:
    """Send a request to heat-api and return its response."""
    return cloud.operator.orchestration.request(path, method, **more)


def read_node_status(cloud: GuestCloud, guest: str) -> dict[str, Any]:
    """Return the answer of `guestagent status --json` in the guest."""
    answer = cloud.hypervisor.run_command(guest, ["guestagent", "status", "--json"])
    status: dict[str, Any] = json.loads(answer.stdout)
    return status


def read_signal_status(cloud: GuestCloud, guest: str) -> str:
    """Return the signal line of `guestagent status` in the guest."""
    return str(read_node_status(cloud, guest)["signal"])


def has_accepted_signal(cloud: GuestCloud, guest: str, generation: int) -> bool:
    """Return whether Heat has accepted the SUCCESS of this generation, and not only that of an earlier one."""
    status = read_node_status(cloud, guest)
    return status["generation"] == generation and "SUCCESS accepted" in status["signal"]
