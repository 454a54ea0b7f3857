"""Why a stack stays in progress: what an operator would look at, for the message of a test that fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.support.guest_cloud import GuestCloud

LOCKED = "locked or does not exist"
LINES = 12


def describe_stuck_stack(cloud: GuestCloud, name: str, folder: Path) -> str:
    """Its resources that are not complete, Heat's own complaints, and the last words of its nodes' agents."""
    return "\n".join([*_unfinished_resources(cloud, name), *_heat_complaints(folder), *_agents(cloud, name)])


def _unfinished_resources(cloud: GuestCloud, name: str) -> Iterator[str]:
    [stack] = cloud.heat.stacks(name)
    for resource in cloud.heat.resources(stack):
        if not resource.status.endswith("COMPLETE"):
            yield f"{resource.name}: {resource.status} {resource.reason}"


def _heat_complaints(folder: Path) -> list[str]:
    lines = [
        line for path in folder.glob("**/heat.log") for line in path.read_text(errors="replace").splitlines()
    ]
    return [line for line in lines if LOCKED in line or " ERROR " in line][-LINES:]


def _agents(cloud: GuestCloud, name: str) -> Iterator[str]:
    for guest, server in list(cloud.server.cloud.compute.servers.items()):
        if server.name.startswith(f"{name}-"):
            yield f"--- {server.name}"
            yield from cloud.read_log(guest).splitlines()[-LINES:]
