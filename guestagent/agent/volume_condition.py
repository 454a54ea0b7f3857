"""The condition of the node's data volume, and its sizes for the evidence. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.agent.model import Condition, ConditionState, Readiness
from guestagent.byte_units import GIB
from guestagent.metadata.document import DataVolume, Section
from guestagent.metadata.server_metadata import VOLUME_KEY
from guestagent.volume.decision import ENCRYPTION_HEADER_BYTES
from guestagent.volume.state import VolumeResult, VolumeState

NAME = "data volume"
SHOW_ADVICE = "see `guestagent volume show` and `journalctl -u guestagent-volume`"
KEY_ADVICE = f"the document's GuestAgent.Volume and {VOLUME_KEY} in the server's metadata must be the same"


@dataclass(frozen=True, slots=True)
class VolumeObservation:
    """The result of the volume's unit, and what is so now.

    `state` None: the unit has not run since the boot, or (`defect`) its result cannot be read. `device_bytes`: the
    present size of the device. `has_data`: the data directory is on the volume.
    """

    state: VolumeState | None = None
    defect: str = ""
    device_bytes: int = 0
    has_data: bool = False

    @property
    def is_growing(self) -> bool:
        """Whether the device has grown since the file system was looked at."""
        return self.state is not None and self.device_bytes > self.state.device_bytes > 0


def judge_volume(section: Section, observation: VolumeObservation | None) -> Condition | None:
    """Judge the data volume; None if the node has none, and shall have none."""
    observation = observation or VolumeObservation()
    declared, state = section.volume, observation.state
    if state is None or state.result is VolumeResult.NONE:
        return None if declared is None and not observation.defect else _judge_absence(declared, observation)
    expected = _describe_declaration(declared)
    if state.result is VolumeResult.FAILED:
        return Condition(NAME, ConditionState.FINAL, expected, state.reason, state.advice)
    if state.result is VolumeResult.RUNNING:
        actual = f"guestagent-volume.service {state.reason or 'is at work'}, unless it was killed"
        return Condition(NAME, ConditionState.PENDING, expected, actual, state.advice or SHOW_ADVICE)
    mismatch = _find_mismatch(section, observation)
    if mismatch:
        return Condition(NAME, ConditionState.FINAL, expected, mismatch, KEY_ADVICE)
    if not observation.has_data:
        actual = "a data directory that is not on the volume"
        advice = "stop the database server, and run `guestagent volume mount`"
        return Condition(NAME, ConditionState.FINAL, expected, actual, advice)
    return _judge_size(expected, declared, state, observation)


def judge_volume_unit(observation: VolumeObservation) -> Condition | None:
    """Judge the unit's work without a document; None if it has mounted the volume, or there is none to mount."""
    state = observation.state
    if state is None or state.result not in (VolumeResult.RUNNING, VolumeResult.FAILED):
        return None
    volume = None if state.declaration is None else state.declaration.volume
    return judge_volume(Section(volume=volume), observation)


def add_volume_condition(readiness: Readiness, condition: Condition | None) -> Readiness:
    """Add the condition, if there is one."""
    return readiness if condition is None else Readiness.from_conditions(*readiness.conditions, condition)


def describe_volume(observation: VolumeObservation | None) -> Mapping[str, object] | None:
    """Describe a mounted volume for evidence and status, with its sizes in bytes; None without one."""
    state = None if observation is None else observation.state
    if observation is None or state is None or state.declaration is None:
        return None
    return {
        "id": state.declaration.volume_id,
        "result": str(state.result),
        "file_system": state.declaration.volume.file_system,
        "device_bytes": observation.device_bytes or state.device_bytes,
        "file_system_bytes": state.file_system_bytes,
    }


def _judge_absence(declared: DataVolume | None, observation: VolumeObservation) -> Condition:
    expected = _describe_declaration(declared)
    if observation.defect:
        actual = f"the result of guestagent-volume.service cannot be read ({observation.defect})"
        return Condition(NAME, ConditionState.FINAL, expected, actual, "reboot the node")
    if observation.state is None:
        actual = "guestagent-volume.service has not run since the boot"
        advice = "build the image with the element guestagent-volume"
        return Condition(NAME, ConditionState.FINAL, expected, actual, advice)
    actual = f"no {VOLUME_KEY} in the server's metadata, so the data are on the root disk"
    return Condition(NAME, ConditionState.FINAL, expected, actual, KEY_ADVICE)


def _find_mismatch(section: Section, observation: VolumeObservation) -> str:
    """Return what contradicts the document, "" if nothing does. The size is judged by the device."""
    declared, state = section.volume, observation.state
    assert state is not None
    assert state.declaration is not None
    present = state.declaration.volume
    if declared is None:
        return f"volume {present.id} in the server's metadata"
    if present.id != declared.id:
        return f"volume {present.id} in the server's metadata"
    if present.file_system != declared.file_system:
        return f"{present.file_system} in the server's metadata"
    owner = "" if state.marker is None else state.marker.node
    if owner and section.node and owner != section.node:
        return f"the volume of node {owner}"
    return ""


def _judge_size(
    expected: str, declared: DataVolume | None, state: VolumeState, observation: VolumeObservation
) -> Condition:
    sizes = (
        f"a file system of {state.file_system_bytes} bytes on a device of {observation.device_bytes} bytes"
    )
    if observation.is_growing:
        return Condition(NAME, ConditionState.PENDING, expected, f"{sizes}, which is growing")
    if declared is not None and observation.device_bytes < declared.size_gib * GIB - ENCRYPTION_HEADER_BYTES:
        return Condition(NAME, ConditionState.PENDING, expected, sizes, "extend the volume in Cinder")
    if state.growth_error:
        actual = f"{sizes}, which has not grown: {state.growth_error}"
        return Condition(NAME, ConditionState.PENDING, expected, actual, SHOW_ADVICE)
    return Condition(NAME, ConditionState.HELD, expected, sizes)


def _describe_declaration(declared: DataVolume | None) -> str:
    if declared is None:
        return "none in the document"
    return f"volume {declared.id}, {declared.size_gib} GiB, {declared.file_system}"
