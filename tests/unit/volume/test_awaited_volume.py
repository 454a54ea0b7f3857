"""What `volume show`, `status` and the doctor report while the unit waits for the volume."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from guestagent.agent.doctor.disk import check_volume_unit
from guestagent.agent.volume_condition import VolumeObservation
from guestagent.cli.command_line import main
from guestagent.errors import VolumeError
from guestagent.metadata import DataVolume
from guestagent.metadata.server_metadata import VolumeDeclaration, format_volume_declaration
from guestagent.retry import FakeClock
from guestagent.volume import VolumeEnvironment, VolumePaths, read_volume_state, set_up_volume
from tests.support.volume_host import INSTANCE_ID, VOLUME_ID, build_paths

Run = Callable[[str], tuple[int, str]]


class ObservingClock(FakeClock):
    """Makes an observation while the unit waits."""

    def __init__(self, observe: Callable[[], object]) -> None:
        super().__init__()
        self._observe = observe

    def sleep(self, seconds: float) -> None:
        self._observe()
        super().sleep(seconds)


@pytest.fixture
def paths(tmp_path: Path) -> VolumePaths:
    """A node whose server's metadata declare a volume that is not attached."""
    paths = build_paths(tmp_path)
    for folder in (paths.data, paths.state, paths.run, paths.cloud_init, paths.sys / "block", paths.dev):
        folder.mkdir(parents=True)
    value = format_volume_declaration(
        VolumeDeclaration(DataVolume(VOLUME_ID, 20, is_new=True), "shop", "Master0000")
    )
    content = {
        "v1": {"instance_id": INSTANCE_ID, "platform": "openstack"},
        "ds": {"meta_data": {"meta": {"guestagent_volume": value}}},
    }
    (paths.cloud_init / "instance-data.json").write_text(json.dumps(content))
    (tmp_path / "guestagent.conf").write_text(
        f"[DEFAULT]\nstate = {paths.state}\nrun = {tmp_path}\n[volume]\nrun = {paths.run}\ndata = {paths.data}\n"
    )
    return paths


@pytest.fixture
def run(paths: VolumePaths, capsys: pytest.CaptureFixture[str]) -> Run:
    def run_command(command: str) -> tuple[int, str]:
        code = main([*command.split(), "--config", str(paths.state.parent / "guestagent.conf")])
        return code, capsys.readouterr().out

    return run_command


def wait_in_vain(paths: VolumePaths, observe: Callable[[], object]) -> None:
    """Run the unit until it gives up, and observe it while it waits."""
    environment = VolumeEnvironment(paths, clock=ObservingClock(observe), timeout_s=1.0)
    with pytest.raises(VolumeError, match="no block device"):
        set_up_volume(environment)


def test_volume_show_tells_what_is_awaited_since_when_and_what_to_do(paths: VolumePaths, run: Run) -> None:
    outputs: list[tuple[int, str]] = []

    wait_in_vain(paths, lambda: outputs.append(run("volume show")))

    code, text = outputs[0]
    assert code == VolumeError.exit_code
    assert f"data volume {VOLUME_ID}: running" in text
    assert f"waits for the block device of volume {VOLUME_ID}, for at most 1 s (since 20" in text
    assert "attach the volume to this server" in text


def test_status_shows_the_awaited_volume_before_the_agent_runs(paths: VolumePaths, run: Run) -> None:
    outputs: list[tuple[int, str]] = []

    wait_in_vain(paths, lambda: outputs.append(run("status")))

    _, text = outputs[0]
    assert "  pending  data volume: guestagent-volume.service waits for the block device" in text
    assert "attach the volume to this server" in text


def test_status_shows_why_the_volume_failed_before_the_agent_runs(paths: VolumePaths, run: Run) -> None:
    wait_in_vain(paths, lambda: None)

    _, text = run("status")

    assert f"  final    data volume: no block device has the serial of volume {VOLUME_ID} after 1 s" in text


def test_the_doctor_reports_it_without_a_document(paths: VolumePaths) -> None:
    grades: list[str] = []

    def examine() -> None:
        observation = VolumeObservation(read_volume_state(paths.run))
        grades.extend(str(finding.grade) for finding in check_volume_unit(observation))

    wait_in_vain(paths, examine)
    examine()

    assert (grades[0], grades[-1]) == ("warn", "fail")
