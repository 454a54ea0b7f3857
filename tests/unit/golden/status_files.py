"""status.json with every key, and without any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from guestagent.agent import status
from guestagent.agent.look_time import LookTime
from guestagent.agent.model import Agreement, Condition
from guestagent.agent.status import NodeStatus
from tests.unit.golden.stored import StoredFile

CONDITIONS = tuple(
    Condition(f"condition {agreement.value}", agreement, "what was wanted", "what is seen", "what to do")
    for agreement in Agreement
)
"""A condition of each agreement."""

FULL_STATUS = NodeStatus(
    state="failed",
    doing="not ready after 90 s",
    node="Slave0000",
    role="replica",
    generation=2,
    elapsed=90.1,
    deadline=90,
    conditions=CONDITIONS,
    signal="FAILURE pending",
    problems=("GuestAgent.Node: expected a string, found an integer",),
)
WAITING = NodeStatus("waiting", "no metadata yet")
LOOKED = LookTime("2020-11-23T18:00:30+00:00", "a boot", 4711.5)


def status_file(value: NodeStatus) -> StoredFile:
    return StoredFile(
        "status.json",
        lambda state: status.write(state / "status.json", value, LOOKED),
        lambda state: status.read(state / "status.json"),
        value,
    )


def list_status_files() -> Iterator[tuple[str, StoredFile]]:
    yield "status/full.json", status_file(FULL_STATUS)
    yield "status/waiting.json", status_file(WAITING)


def keep_status(state: Path, value: NodeStatus) -> None:
    """Write a status as the agent does."""
    status_file(value).write(state)
