"""The findings on the agent itself and on its disks."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent import status
from guestagent.agent.doctor.agent import check_agent
from guestagent.agent.doctor.disk import check_disks, check_volume
from guestagent.agent.doctor.probes import DiskSpace
from guestagent.agent.pause import Pause
from guestagent.agent.status import AgentStatus
from guestagent.agent.timestamp import Timestamp
from guestagent.agent.volume_condition import VolumeObservation
from guestagent.metadata import DataVolume, Section
from guestagent.metadata.server_metadata import VolumeDeclaration
from guestagent.volume import VolumeResult, VolumeState
from tests.support.doctor_probes import (
    GIB,
    build_failing_probe,
    build_probes,
    build_settings,
    get_finding,
    list_grades,
)


def test_a_resident_agent_that_has_ended_is_a_failure(tmp_path: Path) -> None:
    grades = list_grades(
        check_agent(build_settings(tmp_path), None, build_probes(is_listening=lambda path: False))
    )

    assert grades == {"resident": "fail", "status": "warn"}


@pytest.mark.parametrize(("state", "grade"), [("ready", "ok"), ("converging", "warn"), ("failed", "warn")])
def test_the_last_status_is_reported(state: str, grade: str, tmp_path: Path) -> None:
    status.write_status(tmp_path / "state" / "status.json", AgentStatus(state, problems=()))

    assert list_grades(check_agent(build_settings(tmp_path), None, build_probes()))["status"] == grade


def test_a_ready_that_is_too_old_to_count_is_a_warning_with_its_age(tmp_path: Path) -> None:
    written = Timestamp("2026-11-23T18:00:30+00:00", "a boot", 100.0)
    status.write_status(tmp_path / "state" / "status.json", AgentStatus("ready"), written)
    later = replace(written, uptime=100.0 + 7200)

    finding = get_finding(
        "status", check_agent(build_settings(tmp_path), None, build_probes(read_timestamp=lambda: later))
    )

    assert (str(finding.grade), "2 h ago" in finding.actual) == ("warn", True)


def test_each_problem_of_the_agent_is_a_finding(tmp_path: Path) -> None:
    status.write_status(tmp_path / "state" / "status.json", AgentStatus("failed", problems=("Users: no",)))

    assert (
        get_finding("problem", check_agent(build_settings(tmp_path), None, build_probes())).actual
        == "Users: no"
    )


def test_a_pause_is_reported_with_its_reason(tmp_path: Path) -> None:
    mark = Pause("root", "2026-11-23T18:00:00+00:00", "moving the disk")

    finding = get_finding("pause", check_agent(build_settings(tmp_path), mark, build_probes()))

    assert (str(finding.grade), "moving the disk" in finding.actual) == ("warn", True)


@pytest.mark.parametrize(
    ("free", "grade"), [(5 * GIB, "ok"), (GIB // 2, "warn"), (1024, "fail")], ids=["roomy", "low", "full"]
)
def test_free_space_is_graded(free: int, grade: str) -> None:
    findings = check_disks(
        {"state": Path("/var/lib/x")}, build_probes(measure_disk_space=lambda path: DiskSpace(free, 10 * GIB))
    )

    assert list_grades(findings) == {"state": grade}


def test_a_disk_that_cannot_be_measured_is_a_failure() -> None:
    findings = check_disks(
        {"state": Path("/x")},
        build_probes(measure_disk_space=build_failing_probe(OSError(5, "Input/output error"))),
    )

    assert get_finding("state", findings).actual == "/x: Input/output error"


@pytest.mark.parametrize(("mode", "grade"), [(0o700, ""), (0o755, ""), (0o770, "fail"), (0o1777, "fail")])
def test_a_state_folder_that_others_may_write_to_is_a_failure(tmp_path: Path, mode: int, grade: str) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(mode)

    assert (
        list_grades(check_agent(build_settings(tmp_path), None, build_probes())).get("state folder", "")
        == grade
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a folder away")
def test_a_state_folder_of_another_user_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    os.chown(tmp_path / "state", 4711, 4711)

    finding = get_finding("state folder", check_agent(build_settings(tmp_path), None, build_probes()))

    assert finding.actual == f"{tmp_path / 'state'} belongs to user 4711"


def test_a_file_that_was_kept_aside_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "document.json.unreadable-20261129T001808Z").touch()

    finding = get_finding("state file", check_agent(build_settings(tmp_path), None, build_probes()))

    assert (str(finding.grade), "document.json.unreadable-20261129T001808Z" in finding.actual) == (
        "warn",
        True,
    )


VOLUME = DataVolume("3e9f5b0c-64d1-4c1e-9a55-0c6a3e2f7d18", 20)
MOUNTED = VolumeState(
    VolumeResult.MOUNTED, VolumeDeclaration(VOLUME), device_bytes=20 * GIB, file_system_bytes=20 * GIB
)


@pytest.mark.parametrize(
    ("observation", "grades"),
    [
        (VolumeObservation(MOUNTED, device_bytes=20 * GIB, has_data=True), {"data volume": "ok"}),
        (VolumeObservation(MOUNTED, device_bytes=10 * GIB, has_data=True), {"data volume": "warn"}),
        (VolumeObservation(), {"data volume": "fail"}),
    ],
)
def test_the_data_volume_is_a_finding(observation: VolumeObservation, grades: dict[str, str]) -> None:
    assert list_grades(check_volume(Section(volume=VOLUME), observation)) == grades


def test_a_node_without_a_volume_has_no_finding_on_one() -> None:
    assert list_grades(check_volume(Section(), VolumeObservation())) == {}
