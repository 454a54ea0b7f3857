"""Reads the server's metadata from what cloud-init has stored of this boot, and chooses the declaration that counts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from guestagent import atomic_file
from guestagent.errors import StorageError, VolumeError
from guestagent.metadata.server_metadata import VOLUME_KEY, VolumeDeclaration, parse_volume_declaration
from guestagent.strict_json import UnreadableContent, parse_object
from guestagent.volume.record import RECORD_FILE, VolumeRecord

INSTANCE_DATA_FILES = ("instance-data-sensitive.json", "instance-data.json")
"""The first one is complete. In the second one, for every user, cloud-init hides some values."""
PLATFORMS_WITHOUT_METADATA = frozenset({"ec2", "none", ""})
"""Nova's EC2 service has no key of a server's metadata, and the fallback of cloud-init knows nothing at all."""


@dataclass(frozen=True, slots=True)
class InstanceData:
    """The instance as cloud-init knows it. `value`: that of VOLUME_KEY, None if there is none.

    `shows_metadata`: the source of the data has the server's metadata, so that a missing key is missing there.
    """

    instance_id: str
    value: object | None
    shows_metadata: bool


def read_instance_data(folder: Path) -> InstanceData | None:
    """Read cloud-init's files; None if there are none that can be read."""
    for name in INSTANCE_DATA_FILES:
        try:
            content = atomic_file.read_file(folder / name)
            if content is not None:
                return parse_instance_data(content)
        except (StorageError, UnreadableContent):
            continue
    return None


def parse_instance_data(content: bytes) -> InstanceData:
    """Parse an instance-data.json. Raises UnreadableContent.

    ConfigDrive and OpenStack have Nova's metadata below `meta`. NoCloud has what a person wrote, there or beside it.
    """
    data = parse_object(content)
    standard, metadata = _get_mapping(data, "v1"), _get_mapping(_get_mapping(data, "ds"), "meta_data")
    value = _get_mapping(metadata, "meta").get(VOLUME_KEY, metadata.get(VOLUME_KEY))
    platform = str(standard.get("platform", "")).lower()
    return InstanceData(
        instance_id=str(standard.get("instance_id", "")),
        value=value,
        shows_metadata=platform not in PLATFORMS_WITHOUT_METADATA,
    )


def choose_declaration(
    instance_data: InstanceData | None, record: VolumeRecord | None
) -> VolumeDeclaration | None:
    """Choose the declaration of the server's metadata, or the recorded one if this boot does not show the metadata.

    None if the node has no data volume. Raise VolumeError if the metadata have lost their key: the data are on the
    volume, and the data directory of the root disk is not the node's. Raise InvalidMetadata if the value is invalid.
    """
    if instance_data is not None and instance_data.value is not None:
        return parse_volume_declaration(instance_data.value)
    if record is None:
        return None
    if instance_data is None or not instance_data.shows_metadata:
        return record.declaration
    if instance_data.instance_id != record.instance_id:
        return None  # a copy of another instance's root disk
    raise VolumeError(
        f"the server's metadata have no {VOLUME_KEY} any more; it named volume {record.declaration.volume_id}",
        f"set it again; to give up the volume, remove {RECORD_FILE} from the agent's state folder",
    )


def build_record(
    instance_data: InstanceData | None, declaration: VolumeDeclaration, record: VolumeRecord | None
) -> VolumeRecord:
    """Build the new record. It keeps the id of the instance whose metadata last had the key.

    The id of another boot is none that such metadata can be compared with: Nova's EC2 service has ids of its own.
    """
    instance_id = "" if record is None else record.instance_id
    if instance_data is not None and instance_data.value is not None:
        instance_id = instance_data.instance_id
    is_same_volume = record is not None and record.declaration.volume_id == declaration.volume_id
    is_formatting = record is not None and is_same_volume and record.is_formatting
    return VolumeRecord(instance_id, declaration, is_formatting)


def _get_mapping(data: dict[str, object], name: str) -> dict[str, object]:
    value = data.get(name)
    return value if isinstance(value, dict) else {}
