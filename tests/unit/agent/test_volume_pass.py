"""A reconcile pass on a node with a data volume."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.apply import build_node_status
from guestagent.agent.evidence import collect_evidence
from guestagent.agent.outcome import Verdict
from guestagent.agent.settings import VolumeSettings
from guestagent.agent.status import read_status, write_status
from guestagent.agent.volume_condition import VolumeObservation
from guestagent.agent.volume_observer import observe_volume
from guestagent.database.fake import FRESH_SERVER, FakeDatabase
from guestagent.metadata import DataVolume
from guestagent.metadata.server_metadata import VolumeDeclaration
from guestagent.volume import Marker, VolumeResult, VolumeState
from guestagent.volume.state_file import STATE_FILE, write_volume_state
from tests.support.reconciled_node import SOURCE, FakeNode

VOLUME_ID = "3e9f5b0c-64d1-4c1e-9a55-0c6a3e2f7d18"
GIB = 1 << 30
VOLUME = DataVolume(VOLUME_ID, 20)
DOCUMENT = replace(SOURCE, section=replace(SOURCE.section, volume=VOLUME))
STATE = VolumeState(
    VolumeResult.MOUNTED,
    VolumeDeclaration(VOLUME),
    device="vdb",
    device_number="254:16",
    device_bytes=20 * GIB,
    file_system_bytes=20 * GIB,
    marker=Marker(VOLUME_ID, has_data=True),
)
MOUNTED = VolumeObservation(STATE, device_bytes=20 * GIB, has_data=True)
REASON = "no block device has the serial of the volume"
MISSING = VolumeObservation(VolumeState(VolumeResult.FAILED, VolumeDeclaration(VOLUME), REASON))


@pytest.fixture
def node(tmp_path: Path) -> FakeNode:
    return FakeNode(tmp_path, FakeDatabase(FRESH_SERVER))


def test_a_server_is_not_touched_without_its_volume(node: FakeNode) -> None:
    node.observe_volume = lambda: MISSING

    report = node.converge(DOCUMENT)

    assert report.verdict is Verdict.FAILED
    assert not report.is_late
    assert str(report.readiness.worst_condition).startswith("data volume: expected volume 3e9f5b0c")
    assert report.readiness.worst_condition.actual == REASON
    assert node.database.state == FRESH_SERVER


def test_a_ready_node_shows_the_bytes_of_its_volume_in_evidence_and_status(
    node: FakeNode, tmp_path: Path
) -> None:
    node.observe_volume = lambda: MOUNTED
    report = node.converge(DOCUMENT)
    write_status(tmp_path / "status.json", build_node_status(DOCUMENT, report))

    status = read_status(tmp_path / "status.json")

    volume = {
        "id": VOLUME_ID,
        "result": "mounted",
        "file_system": "xfs",
        "device_bytes": 20 * GIB,
        "file_system_bytes": 20 * GIB,
    }
    assert report.verdict is Verdict.READY
    assert collect_evidence(DOCUMENT, report)["volume"] == volume
    assert status is not None
    assert status.volume == volume
    assert status.as_json()["volume"] == volume


def test_a_node_without_a_volume_has_no_such_key(node: FakeNode) -> None:
    report = node.converge(SOURCE)

    assert "volume" not in collect_evidence(SOURCE, report)
    assert build_node_status(SOURCE, report).as_json()["volume"] is None


def test_the_growth_of_a_volume_is_requested_and_waited_for(node: FakeNode) -> None:
    document = replace(SOURCE, section=replace(SOURCE.section, volume=replace(VOLUME, size_gib=40)))
    grown = replace(STATE, device_bytes=40 * GIB, file_system_bytes=40 * GIB)
    observations: Iterator[VolumeObservation] = iter(
        [
            MOUNTED,
            replace(MOUNTED, device_bytes=40 * GIB),
            *[replace(MOUNTED, state=grown, device_bytes=40 * GIB)] * 9,
        ]
    )
    requests: list[str] = []
    node.observe_volume = lambda: next(observations)
    node.request_volume_growth = lambda: requests.append("grow")

    report = node.converge(document)

    assert report.verdict is Verdict.READY
    assert requests == ["grow"]


def test_a_volume_that_does_not_grow_fails_at_the_deadline(node: FakeNode) -> None:
    document = replace(SOURCE, section=replace(SOURCE.section, volume=replace(VOLUME, size_gib=40)))
    node.observe_volume = lambda: MOUNTED

    report = node.converge(document)

    assert (report.verdict, report.is_late) == (Verdict.FAILED, True)
    assert report.readiness.worst_condition.advice == "extend the volume in Cinder"


def build_settings(folder: Path) -> VolumeSettings:
    (folder / "data").mkdir()
    return VolumeSettings(mount=folder / "root", data=folder / "data", run=folder / "run")


def test_the_observer_compares_the_device_of_the_data_directory(tmp_path: Path) -> None:
    settings = build_settings(tmp_path)
    device = settings.data.stat().st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    (tmp_path / "sys/block/vdb").mkdir(parents=True)
    (tmp_path / "sys/block/vdb/size").write_text(f"{40 * GIB // 512}\n")
    write_volume_state(settings.run, replace(STATE, device_number=number))

    observation = observe_volume(settings, tmp_path / "sys")

    assert observation.has_data
    assert observation.device_bytes == 40 * GIB
    assert observation.is_growing


def test_the_observer_sees_that_the_volume_was_unmounted(tmp_path: Path) -> None:
    settings = build_settings(tmp_path)
    write_volume_state(settings.run, STATE)

    observation = observe_volume(settings, tmp_path / "sys")

    assert not observation.has_data


def test_the_observer_reports_a_state_that_cannot_be_read(tmp_path: Path) -> None:
    settings = build_settings(tmp_path)
    settings.run.mkdir()
    (settings.run / STATE_FILE).write_bytes(b"{")

    assert observe_volume(settings) == VolumeObservation(defect="not JSON")


def test_the_observer_finds_nothing_on_a_machine_without_the_unit(tmp_path: Path) -> None:
    assert observe_volume(build_settings(tmp_path)) == VolumeObservation()
