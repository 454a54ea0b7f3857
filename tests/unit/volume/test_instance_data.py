"""Where the declaration of a volume comes from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guestagent.errors import InvalidMetadata, VolumeError
from guestagent.metadata import DataVolume
from guestagent.metadata.server_metadata import VolumeDeclaration, format_volume_declaration
from guestagent.strict_json import UnreadableContent
from guestagent.volume.instance_data import (
    InstanceData,
    build_record,
    choose_declaration,
    parse_instance_data,
    read_instance_data,
)
from guestagent.volume.record import VolumeRecord

VOLUME_ID = "3e9f5b0c-64d1-4c1e-9a55-0c6a3e2f7d18"
INSTANCE_ID = "6f1c1f6e-3a52-4c7e-b3bb-8f6f7a4f2c11"
DECLARATION = VolumeDeclaration(DataVolume(VOLUME_ID, 10, is_new=True))
VALUE = format_volume_declaration(DECLARATION)
RECORD = VolumeRecord(INSTANCE_ID, VolumeDeclaration(DataVolume(VOLUME_ID, 5)))
SHOWN = InstanceData(INSTANCE_ID, None, shows_metadata=True)


def write_instance_data(metadata: object, platform: str = "openstack", **keys: object) -> bytes:
    standard = {"instance_id": INSTANCE_ID, "platform": platform}
    return json.dumps({"v1": standard, "ds": {"meta_data": metadata}, **keys}).encode()


@pytest.mark.parametrize(
    ("metadata", "value"),
    [
        ({"meta": {"guestagent_volume": VALUE}}, VALUE),
        ({"guestagent_volume": json.loads(VALUE)}, json.loads(VALUE)),
        ({"meta": {}}, None),
        ({"meta": "text", "guestagent_volume": VALUE}, VALUE),
        ([], None),
    ],
)
def test_the_key_is_in_novas_metadata_or_in_that_of_a_person(metadata: object, value: object) -> None:
    assert parse_instance_data(write_instance_data(metadata)) == InstanceData(INSTANCE_ID, value, True)


@pytest.mark.parametrize(
    ("platform", "shows"),
    [("openstack", True), ("nocloud", True), ("ec2", False), ("EC2", False), ("none", False), ("", False)],
)
def test_the_ec2_service_does_not_show_a_servers_metadata(platform: str, shows: bool) -> None:
    content = write_instance_data({"ami-id": "ami-1"}, platform)

    assert parse_instance_data(content).shows_metadata is shows


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff"])
def test_other_content_is_rejected(content: bytes) -> None:
    with pytest.raises(UnreadableContent):
        parse_instance_data(content)


def test_the_file_that_hides_nothing_is_preferred(tmp_path: Path) -> None:
    hidden = {"meta": "redacted for non-root user"}
    (tmp_path / "instance-data.json").write_bytes(write_instance_data(hidden))
    (tmp_path / "instance-data-sensitive.json").write_bytes(
        write_instance_data({"meta": {"guestagent_volume": VALUE}})
    )

    instance_data = read_instance_data(tmp_path)

    assert instance_data is not None
    assert instance_data.value == VALUE


def test_a_torn_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "instance-data-sensitive.json").write_bytes(b'{"v1": ')
    (tmp_path / "instance-data.json").write_bytes(write_instance_data({"guestagent_volume": VALUE}))

    instance_data = read_instance_data(tmp_path)

    assert instance_data is not None
    assert instance_data.value == VALUE


def test_a_machine_without_cloud_init_has_no_instance_data(tmp_path: Path) -> None:
    assert read_instance_data(tmp_path / "missing") is None


@pytest.mark.parametrize(
    ("instance_data", "record", "declaration"),
    [
        (None, None, None),
        (SHOWN, None, None),
        (InstanceData(INSTANCE_ID, VALUE, True), None, DECLARATION),
        (InstanceData(INSTANCE_ID, VALUE, True), RECORD, DECLARATION),
        # This boot does not show the server's metadata: the record counts.
        (None, RECORD, RECORD.declaration),
        (InstanceData("i-00000001", None, False), RECORD, RECORD.declaration),
        # A copy of another instance's root disk.
        (InstanceData("another", None, True), RECORD, None),
    ],
)
def test_the_metadata_of_this_boot_count_before_the_record(
    instance_data: InstanceData | None, record: VolumeRecord | None, declaration: VolumeDeclaration | None
) -> None:
    assert choose_declaration(instance_data, record) == declaration


def test_metadata_that_lose_their_key_do_not_put_the_data_on_the_root_disk() -> None:
    with pytest.raises(VolumeError, match="have no guestagent_volume any more"):
        choose_declaration(SHOWN, RECORD)


def test_an_invalid_value_is_not_replaced_by_the_record() -> None:
    with pytest.raises(InvalidMetadata, match="guestagent_volume"):
        choose_declaration(InstanceData(INSTANCE_ID, "{}", True), RECORD)


@pytest.mark.parametrize("instance_data", [InstanceData("i-00000001", None, False), None])
def test_a_boot_that_does_not_show_the_metadata_keeps_the_instance_id_of_the_record(
    instance_data: InstanceData | None,
) -> None:
    updated = build_record(instance_data, RECORD.declaration, RECORD)

    assert updated == RECORD


def test_the_record_has_the_id_of_the_instance_whose_metadata_have_the_key() -> None:
    updated = build_record(InstanceData("another", VALUE, True), DECLARATION, RECORD)

    assert updated == VolumeRecord("another", DECLARATION)
