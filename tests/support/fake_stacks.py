"""Stacks of the fake Heat."""

from __future__ import annotations

import json
from dataclasses import replace

from guestagent.controller import Cluster, Event, FakeHeat, NodeChanged, Stacks
from guestagent.retry import FakeClock

LONG_TIMEOUT_S = 3600.0


def open_stacks(heat: FakeHeat, clock: FakeClock | None = None) -> Stacks:
    return Stacks(heat, clock or FakeClock())


def launch_stack(heat: FakeHeat, cluster: Cluster) -> Stacks:
    """Create the stack `db`, wait for it, and clear the log of requests."""
    stacks = open_stacks(heat)
    stacks.wait(stacks.create("db", cluster), LONG_TIMEOUT_S)
    heat.asked.clear()
    return stacks


def format_events(events: list[Event]) -> list[str]:
    return [f"{e.name} {e.state}" if isinstance(e, NodeChanged) else f"{e.name} {e.status}" for e in events]


def signal_evidence(heat: FakeHeat, condition: str, **evidence: object) -> None:
    """Let the condition of the stack `db` have got this evidence."""
    resources = heat.live["db"].resources
    data = json.dumps({"node-1": json.dumps(evidence)})
    resources[condition] = replace(resources[condition], attributes={"data": data})
