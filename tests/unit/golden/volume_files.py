"""The files of a data volume: the record on the root disk, the marker on the volume, and the state of this boot."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.metadata import DataVolume
from guestagent.metadata.server_metadata import VolumeDeclaration
from guestagent.volume.marker import Marker
from guestagent.volume.marker_file import MARKER_FILE, read_marker, write_marker
from guestagent.volume.record import RECORD_FILE, VolumeRecord, read_record, write_record
from guestagent.volume.state import VolumeResult, VolumeState
from guestagent.volume.state_file import STATE_FILE, read_volume_state, write_volume_state
from tests.unit.golden.stored_file import StoredFile

VOLUME_ID = "3e9f5b0c-64d1-4c1e-9a55-0c6a3e2f7d18"
DECLARATION = VolumeDeclaration(DataVolume(VOLUME_ID, 20, "ext4", is_new=True), "shop", "Master0000")
MARKER = Marker(VOLUME_ID, "shop", "Master0000", has_data=True)
RECORD = VolumeRecord("6f1c1f6e-3a52-4c7e-b3bb-8f6f7a4f2c11", DECLARATION, is_formatting=True)
MOUNTED = VolumeState(
    VolumeResult.MOUNTED,
    DECLARATION,
    device="vdb",
    device_number="254:16",
    device_bytes=20 << 30,
    file_system_bytes=10 << 30,
    growth_error="an ext4 grows when it is mounted",
    is_formatted=True,
    marker=MARKER,
)
FAILED = VolumeState(VolumeResult.FAILED, DECLARATION, "vdb is read-only", "nothing was touched")


def list_volume_files() -> Iterator[tuple[str, StoredFile]]:
    yield (
        "volume/record.json",
        StoredFile(RECORD_FILE, lambda folder: write_record(folder, RECORD), read_record, RECORD),
    )
    yield (
        "volume/marker.json",
        StoredFile(MARKER_FILE, lambda folder: write_marker(folder, MARKER), read_marker, MARKER),
    )
    for name, state in (
        ("mounted", MOUNTED),
        ("failed", FAILED),
        ("none", VolumeState(VolumeResult.NONE)),
    ):
        yield f"volume/state-{name}.json", build_state_file(state)


def build_state_file(state: VolumeState) -> StoredFile:
    return StoredFile(STATE_FILE, lambda folder: write_volume_state(folder, state), read_volume_state, state)
