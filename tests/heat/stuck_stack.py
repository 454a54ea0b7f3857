"""Diagnosis of a stack that stays in progress, for the message of a failed test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.support.guest_cloud import GuestCloud

LOCKED = "locked or does not exist"
LINE_LIMIT = 12


def describe_stuck_stack(cloud: GuestCloud, name: str, folder: Path) -> str:
    """Describe the incomplete resources, the errors in Heat's log, and the end of each agent's log."""
    return "\n".join(
        [
            *_list_incomplete_resources(cloud, name),
            *_list_heat_errors(folder),
            *_list_agent_lines(cloud, name),
        ]
    )


def _list_incomplete_resources(cloud: GuestCloud, name: str) -> Iterator[str]:
    [stack] = cloud.heat.stacks(name)
    for resource in cloud.heat.resources(stack):
        if not resource.status.endswith("COMPLETE"):
            yield f"{resource.name}: {resource.status} {resource.reason}"


def _list_heat_errors(folder: Path) -> list[str]:
    lines = [
        line for path in folder.glob("**/heat.log") for line in path.read_text(errors="replace").splitlines()
    ]
    return [line for line in lines if LOCKED in line or " ERROR " in line][-LINE_LIMIT:]


def _list_agent_lines(cloud: GuestCloud, name: str) -> Iterator[str]:
    for guest, server in list(cloud.server.cloud.compute.servers.items()):
        if server.name.startswith(f"{name}-"):
            yield f"--- {server.name}"
            yield from cloud.read_log(guest).splitlines()[-LINE_LIMIT:]
