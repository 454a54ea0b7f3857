"""The objects of Cinder as its answers show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from guestagent.embedded.host.clock import format_timestamp
from guestagent.embedded.host.identifiers import build_fixed_id
from guestagent.embedded.http.microversion import Microversion
from guestagent.embedded.openstack.cinder.volume_messages import VolumeMessage
from guestagent.embedded.openstack.cinder.volume_types import VolumeType
from guestagent.embedded.openstack.cinder.volumes import StoredAttachment, StoredVolume
from guestagent.embedded.openstack.keystone.demo_project import PROJECT_NAME, USER_NAME

SERVICE_ID = build_fixed_id("volume service")
NEWER_FIELDS: Mapping[str, Microversion] = {
    "group_id": (3, 13),
    "service_uuid": (3, 48),
    "shared_targets": (3, 48),
    "volume_type_id": (3, 63),
    "consumes_quota": (3, 65),
}
"""The fields of a volume that older microversions do not have."""
View = dict[str, object]


def format_volume(
    volume: StoredVolume, attachments: Sequence[StoredAttachment], version: Microversion
) -> View:
    """Format a volume with the details that a microversion has."""
    attached = [_format_volume_attachment(each) for each in attachments if each.status == "attached"]
    view: View = {
        "id": volume.id,
        "name": volume.name,
        "description": volume.description,
        "status": volume.status,
        "size": volume.size_gib,
        "availability_zone": volume.zone,
        "created_at": _format_time(volume.created),
        "updated_at": _format_time(volume.created),
        "volume_type": volume.volume_type.name,
        "volume_type_id": volume.volume_type.id,
        "metadata": volume.metadata,
        "attachments": attached,
        "multiattach": volume.volume_type.is_multiattach,
        "bootable": "false",
        "encrypted": False,
        "snapshot_id": None,
        "source_volid": None,
        "consistencygroup_id": None,
        "group_id": None,
        "replication_status": None,
        "shared_targets": False,
        "service_uuid": SERVICE_ID,
        "consumes_quota": True,
        "user_id": USER_NAME,
        "os-vol-tenant-attr:tenant_id": PROJECT_NAME,
        "links": [],
    }
    return {key: value for key, value in view.items() if NEWER_FIELDS.get(key, version) <= version}


def format_volume_summary(volume: StoredVolume) -> View:
    """Format a volume in a list without details."""
    return {"id": volume.id, "name": volume.name, "links": []}


def format_attachment(attachment: StoredAttachment) -> View:
    """Format an attachment with its details."""
    return {
        **format_attachment_summary(attachment),
        "attached_at": _format_time(attachment.attached),
        "detached_at": "",
        "attach_mode": "rw" if attachment.status == "attached" else "null",
        "connection_info": {},
    }


def format_attachment_summary(attachment: StoredAttachment) -> View:
    """Format an attachment in a list without details."""
    return {
        "id": attachment.id,
        "volume_id": attachment.volume_id,
        "instance": attachment.server_id,
        "status": attachment.status,
    }


def format_message(volume: StoredVolume, message: VolumeMessage) -> View:
    """Format a message of a volume."""
    return {
        "id": message.id,
        "event_id": message.event_id,
        "message_level": "ERROR",
        "user_message": message.text,
        "resource_type": "VOLUME",
        "resource_uuid": volume.id,
        "request_id": message.request_id,
        "created_at": _format_time(message.created),
        "guaranteed_until": _format_time(message.expires),
        "links": [],
    }


def format_type(volume_type: VolumeType) -> View:
    """Format a volume type."""
    specs = {"multiattach": "<is> True"} if volume_type.is_multiattach else {}
    return {"id": volume_type.id, "name": volume_type.name, "is_public": True, "extra_specs": specs}


def _format_volume_attachment(attachment: StoredAttachment) -> View:
    return {
        "id": attachment.volume_id,
        "attachment_id": attachment.id,
        "volume_id": attachment.volume_id,
        "server_id": attachment.server_id,
        "device": attachment.device,
        "host_name": None,
        "attached_at": _format_time(attachment.attached),
    }


def _format_time(time: datetime | None) -> str:
    return "" if time is None else f"{str(format_timestamp(time)).removesuffix('Z')}.000000"
