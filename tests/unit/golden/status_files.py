"""status.json with every key, and without any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from guestagent.agent import status
from guestagent.agent.model import Condition, ConditionState
from guestagent.agent.status import AgentStatus
from guestagent.agent.timestamp import Timestamp
from tests.unit.golden.stored_file import StoredFile

CONDITIONS = tuple(
    Condition(f"condition {agreement.value}", agreement, "what was wanted", "what is seen", "what to do")
    for agreement in ConditionState
)
"""A condition of each agreement."""

FULL_STATUS = AgentStatus(
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
WAITING = AgentStatus("waiting", "no metadata yet")
LOOK_TIME = Timestamp("2020-11-23T18:00:30+00:00", "a boot", 4711.5)


def status_file(value: AgentStatus) -> StoredFile:
    return StoredFile(
        "status.json",
        lambda state: status.write_status(state / "status.json", value, LOOK_TIME),
        lambda state: status.read_status(state / "status.json"),
        value,
    )


def list_status_files() -> Iterator[tuple[str, StoredFile]]:
    yield "status/full.json", status_file(FULL_STATUS)
    yield "status/waiting.json", status_file(WAITING)


def write_status(state: Path, value: AgentStatus) -> None:
    """Write a status as the agent does."""
    status_file(value).write(state)
