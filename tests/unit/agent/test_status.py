"""`guestagent status` reads the file that a pass has written."""

import json
from pathlib import Path

import pytest

from guestagent.agent import status
from guestagent.agent.model import Condition, ConditionState
from guestagent.agent.status import AgentStatus
from guestagent.agent.timestamp import Timestamp

FAILED = AgentStatus(
    "failed",
    "not ready after 90 s",
    node="Slave0000",
    role="replica",
    generation=2,
    elapsed=90.1,
    deadline=90,
    conditions=(Condition("source", ConditionState.PENDING, "a login", "1045", "compare the password"),),
    signal="FAILURE pending",
    problems=("a: expected b, found c",),
)


@pytest.mark.parametrize("agent_status", [FAILED, AgentStatus("waiting")])
def test_a_status_is_read_back(tmp_path: Path, agent_status: AgentStatus) -> None:
    status.write_status(tmp_path / "status.json", agent_status)

    assert status.read_status(tmp_path / "status.json") == agent_status


def test_a_status_has_the_time_when_it_was_written(tmp_path: Path) -> None:
    at = Timestamp("2026-11-23T18:00:30+00:00", "a boot", 4711.5)

    status.write_status(tmp_path / "status.json", FAILED, at)

    agent_status = status.read_status(tmp_path / "status.json")
    assert agent_status is not None
    assert agent_status.observed_at == at


def test_a_status_of_a_version_that_recorded_no_time_has_none(tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text(json.dumps(FAILED.as_json()))

    agent_status = status.read_status(tmp_path / "status.json")

    assert agent_status is not None
    assert (agent_status, agent_status.observed_at) == (FAILED, None)


def test_a_missing_status_is_none(tmp_path: Path) -> None:
    assert status.read_status(tmp_path / "status.json") is None


def test_an_empty_file_after_a_power_cut_counts_as_missing(tmp_path: Path) -> None:
    (tmp_path / "status.json").touch()

    assert status.read_status(tmp_path / "status.json") is None


TIMELESS = json.dumps(FAILED.as_json() | {"looked": {"at": "2026-11-23T18:00:30", "boot": "", "uptime": 1}})


@pytest.mark.parametrize("content", ["{}", '{"conditions": 1}', "[]", TIMELESS])
def test_an_unreadable_status_is_waiting_with_a_problem(tmp_path: Path, content: str) -> None:
    (tmp_path / "status.json").write_text(content)

    found = status.read_status(tmp_path / "status.json")

    assert found is not None
    assert (found.state, found.observed_at) == ("waiting", None)
    assert found.problems[0].startswith(f"{tmp_path}/status.json cannot be read (")


def test_a_full_disk_does_not_stop_the_agent(tmp_path: Path) -> None:
    (tmp_path / ".status.json.draft").mkdir()

    status.write_status(tmp_path / "status.json", FAILED)

    assert status.read_status(tmp_path / "status.json") is None
