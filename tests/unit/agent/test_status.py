"""What one pass leaves, `guestagent status` reads."""

from pathlib import Path

import pytest

from guestagent.agent import status
from guestagent.agent.model import Agreement, Condition
from guestagent.agent.status import NodeStatus
from guestagent.errors import StorageError

FAILED = NodeStatus(
    "failed",
    "not ready after 90 s",
    node="Slave0000",
    role="replica",
    generation=2,
    elapsed=90.1,
    deadline=90,
    conditions=(Condition("source", Agreement.PENDING, "a login", "1045", "compare the password"),),
    signal="FAILURE pending",
    problems=("a: expected b, found c",),
)


@pytest.mark.parametrize("kept", [FAILED, NodeStatus("waiting")])
def test_a_status_reads_back(tmp_path: Path, kept: NodeStatus) -> None:
    status.write(tmp_path / "status.json", kept)

    assert status.read(tmp_path / "status.json") == kept


def test_nobody_has_worked_here_yet(tmp_path: Path) -> None:
    assert status.read(tmp_path / "status.json") is None


def test_an_empty_file_which_a_power_cut_may_leave_tells_nothing(tmp_path: Path) -> None:
    (tmp_path / "status.json").touch()

    assert status.read(tmp_path / "status.json") is None


@pytest.mark.parametrize("content", ["{}", '{"conditions": 1}', "[]"])
def test_what_is_no_status_is_one_clear_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "status.json").write_text(content)

    with pytest.raises(StorageError, match=r"status\.json: it is no status"):
        status.read(tmp_path / "status.json")


def test_a_full_disk_is_no_reason_to_stop(tmp_path: Path) -> None:
    (tmp_path / ".status.json.draft").mkdir()

    status.write(tmp_path / "status.json", FAILED)

    assert status.read(tmp_path / "status.json") is None
