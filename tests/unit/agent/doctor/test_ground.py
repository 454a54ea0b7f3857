"""What the agent stands on."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent import status
from guestagent.agent.doctor.ground import agent_findings, disk_findings
from guestagent.agent.doctor.probes import Space
from guestagent.agent.look_time import LookTime
from guestagent.agent.pausing import Pause
from guestagent.agent.status import NodeStatus
from tests.unit.agent.doctor.surroundings import GIB, graded, of, probes, raises, settings


def test_a_resident_agent_that_has_ended_is_a_failure(tmp_path: Path) -> None:
    found = graded(agent_findings(settings(tmp_path), None, probes(listening=lambda path: False)))

    assert found == {"resident": "fail", "status": "warn"}


@pytest.mark.parametrize(("state", "grade"), [("ready", "ok"), ("converging", "warn"), ("failed", "warn")])
def test_the_last_pass_is_told(state: str, grade: str, tmp_path: Path) -> None:
    status.write(tmp_path / "state" / "status.json", NodeStatus(state, problems=()))

    assert graded(agent_findings(settings(tmp_path), None, probes()))["status"] == grade


def test_a_ready_that_is_too_old_to_count_is_a_warning_with_its_age(tmp_path: Path) -> None:
    written = LookTime("2026-11-23T18:00:30+00:00", "a boot", 100.0)
    status.write(tmp_path / "state" / "status.json", NodeStatus("ready"), written)
    later = replace(written, uptime=100.0 + 7200)

    found = of("status", agent_findings(settings(tmp_path), None, probes(now=lambda: later)))

    assert (str(found.grade), "2 h ago" in found.seen) == ("warn", True)


def test_a_problem_that_the_agent_met_is_a_line_of_its_own(tmp_path: Path) -> None:
    status.write(tmp_path / "state" / "status.json", NodeStatus("failed", problems=("Users: no",)))

    assert of("problem", agent_findings(settings(tmp_path), None, probes())).seen == "Users: no"


def test_a_pause_is_told_with_its_reason(tmp_path: Path) -> None:
    mark = Pause("root", "2026-11-23T18:00:00+00:00", "moving the disk")

    found = of("pause", agent_findings(settings(tmp_path), mark, probes()))

    assert (str(found.grade), "moving the disk" in found.seen) == ("warn", True)


@pytest.mark.parametrize(
    ("free", "grade"), [(5 * GIB, "ok"), (GIB // 2, "warn"), (1024, "fail")], ids=["roomy", "low", "full"]
)
def test_room_is_looked_at(free: int, grade: str) -> None:
    found = disk_findings({"state": Path("/var/lib/x")}, probes(space=lambda path: Space(free, 10 * GIB)))

    assert graded(found) == {"state": grade}


def test_a_disk_that_cannot_be_looked_at_is_a_failure() -> None:
    found = disk_findings({"state": Path("/x")}, probes(space=raises(OSError(5, "Input/output error"))))

    assert of("state", found).seen == "/x: Input/output error"


@pytest.mark.parametrize(("mode", "grade"), [(0o700, ""), (0o755, ""), (0o770, "fail"), (0o1777, "fail")])
def test_a_state_folder_that_others_may_write_to_is_a_failure(tmp_path: Path, mode: int, grade: str) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(mode)

    assert graded(agent_findings(settings(tmp_path), None, probes())).get("state folder", "") == grade


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder away")
def test_a_state_folder_of_somebody_else_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    os.chown(tmp_path / "state", 4711, 4711)

    found = of("state folder", agent_findings(settings(tmp_path), None, probes()))

    assert found.seen == f"{tmp_path / 'state'} belongs to user 4711"


def test_a_file_that_was_kept_aside_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "document.json.unreadable-20261129T001808Z").touch()

    found = of("state file", agent_findings(settings(tmp_path), None, probes()))

    assert (str(found.grade), "document.json.unreadable-20261129T001808Z" in found.seen) == ("warn", True)
