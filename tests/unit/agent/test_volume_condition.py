"""The condition of the data volume."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guestagent.agent.model import ConditionState
from guestagent.agent.volume_condition import VolumeObservation, describe_volume, judge_volume
from guestagent.metadata import DataVolume, Section
from guestagent.metadata.server_metadata import VolumeDeclaration
from guestagent.volume import Marker, VolumeResult, VolumeState

VOLUME_ID = "3e9f5b0c-64d1-4c1e-9a55-0c6a3e2f7d18"
OTHER_ID = "b41d22aa-0f55-4a0f-8a6b-5f4c9e1d7c20"
GIB = 1 << 30
VOLUME = DataVolume(VOLUME_ID, 20)
SECTION = Section(node="Master0000", volume=VOLUME)
STATE = VolumeState(
    VolumeResult.MOUNTED,
    VolumeDeclaration(VOLUME, "shop", "Master0000"),
    device="vdb",
    device_number="254:16",
    device_bytes=20 * GIB,
    file_system_bytes=20 * GIB,
    marker=Marker(VOLUME_ID, "shop", "Master0000", has_data=True),
)
MOUNTED = VolumeObservation(STATE, device_bytes=20 * GIB, has_data=True)
NONE = VolumeObservation(VolumeState(VolumeResult.NONE))
FAILED = VolumeObservation(
    VolumeState(VolumeResult.FAILED, STATE.declaration, "vdb is read-only", "nothing was touched")
)


@pytest.mark.parametrize("observation", [None, VolumeObservation(), NONE])
def test_a_node_without_a_volume_has_no_condition(observation: VolumeObservation | None) -> None:
    assert judge_volume(Section(), observation) is None


def test_the_volume_that_both_declare_holds_and_shows_its_sizes() -> None:
    condition = judge_volume(SECTION, MOUNTED)

    assert condition is not None
    assert condition.state is ConditionState.HELD
    assert condition.actual == ("a file system of 21474836480 bytes on a device of 21474836480 bytes")


@pytest.mark.parametrize(
    ("section", "observation", "actual"),
    [
        (SECTION, VolumeObservation(), "guestagent-volume.service has not run since the boot"),
        (
            SECTION,
            NONE,
            "no guestagent_volume in the server's metadata, so the data are on the root disk",
        ),
        (
            SECTION,
            VolumeObservation(defect="not JSON"),
            "the result of guestagent-volume.service cannot be read (not JSON)",
        ),
        (
            Section(),
            VolumeObservation(defect="not JSON"),
            "the result of guestagent-volume.service cannot be read (not JSON)",
        ),
        (SECTION, FAILED, "vdb is read-only"),
        (Section(), FAILED, "vdb is read-only"),
        (Section(), MOUNTED, f"volume {VOLUME_ID} in the server's metadata"),
        (
            replace(SECTION, volume=replace(VOLUME, id=OTHER_ID)),
            MOUNTED,
            f"volume {VOLUME_ID} in the server's metadata",
        ),
        (
            replace(SECTION, volume=replace(VOLUME, file_system="ext4")),
            MOUNTED,
            "xfs in the server's metadata",
        ),
        (replace(SECTION, node="Slave0000"), MOUNTED, "the volume of node Master0000"),
        (SECTION, replace(MOUNTED, has_data=False), "a data directory that is not on the volume"),
    ],
)
def test_a_contradiction_is_final(section: Section, observation: VolumeObservation, actual: str) -> None:
    condition = judge_volume(section, observation)

    assert condition is not None
    assert (condition.state, condition.actual) == (ConditionState.FINAL, actual)


@pytest.mark.parametrize(
    ("observation", "size_gib", "end"),
    [
        (replace(MOUNTED, device_bytes=40 * GIB), 20, "on a device of 42949672960 bytes, which is growing"),
        (MOUNTED, 40, "on a device of 21474836480 bytes"),
        (
            replace(MOUNTED, state=replace(STATE, growth_error="reboot the node")),
            20,
            "which has not grown: reboot the node",
        ),
        (
            VolumeObservation(VolumeState(VolumeResult.RUNNING)),
            20,
            "guestagent-volume.service is at work, unless it was killed",
        ),
    ],
)
def test_a_volume_that_can_still_grow_is_pending(
    observation: VolumeObservation, size_gib: int, end: str
) -> None:
    section = replace(SECTION, volume=replace(VOLUME, size_gib=size_gib))

    condition = judge_volume(section, observation)

    assert condition is not None
    assert condition.state is ConditionState.PENDING
    assert condition.actual.endswith(end)


def test_an_encrypted_volume_is_a_little_smaller_than_declared() -> None:
    device_bytes = 20 * GIB - (16 << 20)
    state = replace(STATE, device_bytes=device_bytes, file_system_bytes=device_bytes)

    condition = judge_volume(SECTION, VolumeObservation(state, device_bytes=device_bytes, has_data=True))

    assert condition is not None
    assert condition.state is ConditionState.HELD


def test_the_evidence_has_the_bytes_of_device_and_file_system() -> None:
    observation = replace(MOUNTED, state=replace(STATE, file_system_bytes=10 * GIB))

    assert describe_volume(observation) == {
        "id": VOLUME_ID,
        "result": "mounted",
        "file_system": "xfs",
        "device_bytes": 20 * GIB,
        "file_system_bytes": 10 * GIB,
    }


@pytest.mark.parametrize("observation", [None, VolumeObservation(), NONE])
def test_a_node_without_a_volume_has_no_evidence_of_one(observation: VolumeObservation | None) -> None:
    assert describe_volume(observation) is None
