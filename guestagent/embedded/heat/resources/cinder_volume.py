"""OS::Cinder::Volume: created with its stack, and grown in place, as Heat 19 does it or as Heat 24 and later do."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from guestagent.embedded.heat.resources.resource_type import CloudContext, Properties, ResourceType
from guestagent.embedded.heat.resources.stack import HeatStack, StackResource
from guestagent.embedded.heat.template.property_schema import Property, Schema
from guestagent.embedded.http.errors import ApiError, ResourceFailure
from guestagent.embedded.openstack.cinder.volume_types import DEFAULT_TYPE, find_volume_type
from guestagent.embedded.openstack.cinder.volumes import STEP_S, StoredVolume

LOST_STATUSES = ("error", "deleting")


class CinderVolume(ResourceType):
    """A volume. `detaches_to_grow`: as Heat 19, it detaches an attached volume to grow it, and attaches it again."""

    schema: ClassVar[Schema] = {
        "size": Property("integer", update_allowed=True, minimum=1),
        "name": Property("string", update_allowed=True),
        "description": Property("string", update_allowed=True),
        "metadata": Property("map", update_allowed=True),
        "availability_zone": Property("string"),
        "volume_type": Property("string"),
        **{
            name: Property("any", supported=False)
            for name in (
                "image", "image_ref", "snapshot_id", "source_volid", "backup_id", "scheduler_hints", "read_only",
                "multiattach",
            )
        },
    }  # fmt: skip
    attributes = frozenset(
        {
            "availability_zone", "size", "display_name", "display_description", "volume_type", "metadata", "status",
            "created_at", "bootable", "encrypted", "attachments_list", "multiattach",
        }
    )  # fmt: skip

    def __init__(self, context: CloudContext, detaches_to_grow: bool = True) -> None:
        self._context, self._detaches_to_grow = context, detaches_to_grow

    async def create(self, resource: StackResource, stack: HeatStack) -> None:
        properties = resource.properties
        volume_type = find_volume_type(str(properties["volume_type"] or DEFAULT_TYPE.name))
        if volume_type is None:
            raise ResourceFailure(
                "NotFound", f"Volume type with name {properties['volume_type']} could not be found."
            )
        volume = self._context.compute.storage.create(
            StoredVolume(
                str(properties["name"] or stack.build_physical_name(resource)),
                _get_size(properties),
                volume_type,
                metadata=_read_metadata(properties),
            )
        )
        resource.physical_id = volume.id
        await self._wait_while(volume, "creating")
        if volume.status != "available":
            raise ResourceFailure("ResourceInError", f'Went to status {volume.status} due to "Unknown"')

    def can_update_failed(self, resource: StackResource) -> bool:
        volume = self._find(resource)
        return volume is not None and volume.status not in LOST_STATUSES

    async def update(self, resource: StackResource, stack: HeatStack, changed: frozenset[str]) -> None:
        volume = self._context.compute.storage.find_volume(resource.physical_id)
        if "name" in changed:
            volume.name = str(resource.properties["name"] or volume.name)
        if "metadata" in changed:
            volume.metadata = _read_metadata(resource.properties)
        if "size" in changed:
            await self._change_size(volume, _get_size(resource.properties))

    async def delete(self, resource: StackResource, stack: HeatStack) -> None:
        volume = self._find(resource)
        if volume is None:
            return
        self._context.compute.storage.delete(volume)
        await self._wait_while(volume, "deleting", is_gone=True)
        if self._find(resource) is not None:
            raise ResourceFailure("ResourceInError", f'Went to status {volume.status} due to "Unknown"')

    def get_attribute(self, resource: StackResource, stack: HeatStack, name: str) -> object:
        volume = self._find(resource)
        if volume is None:
            return None
        attributes_by_name: dict[str, object] = {
            "availability_zone": volume.zone,
            "size": str(volume.size_gib),
            "display_name": volume.name,
            "volume_type": volume.volume_type.name,
            "metadata": dict(volume.metadata),
            "status": volume.status,
            "bootable": "false",
            "encrypted": "False",
            "multiattach": "False",
        }
        return attributes_by_name.get(name)

    async def _change_size(self, volume: StoredVolume, size_gib: int) -> None:
        """Grow the volume. One that has the size already is left alone, and one that is larger is a failure."""
        if size_gib < volume.size_gib:
            raise ResourceFailure("NotSupported", "Shrinking volume is not supported.")
        if size_gib == volume.size_gib:
            return
        attachments = self._context.compute.storage.list_attachments(volume.id)
        if not attachments or not self._detaches_to_grow:
            await self._extend(volume, size_gib)
            return
        volumes = self._context.compute.volumes
        await volumes.complete_detach(volumes.start_detach(attachments[0].server_id, volume.id))
        await self._extend(volume, size_gib)  # if this fails, the volume stays detached, as with Heat 19
        await volumes.attach(self._context.compute.storage.reserve(volume.id, attachments[0].server_id))

    async def _extend(self, volume: StoredVolume, size_gib: int) -> None:
        try:
            self._context.compute.storage.extend(
                volume, size_gib, is_attached_allowed=not self._detaches_to_grow
            )
        except ApiError as error:
            raise ResourceFailure("Error", f"Failed to extend volume {volume.id} - {error}") from error
        await self._wait_while(volume, "extending")
        if volume.status not in ("available", "in-use"):
            message = f'Volume resize failed - Unknown status {volume.status} due to "Unknown"'
            raise ResourceFailure("ResourceUnknownStatus", message)

    async def _wait_while(self, volume: StoredVolume, status: str, is_gone: bool = False) -> None:
        volumes = self._context.compute.storage.volumes
        while volume.status == status and (not is_gone or volume.id in volumes):
            await asyncio.sleep(STEP_S / 2)

    def _find(self, resource: StackResource) -> StoredVolume | None:
        return self._context.compute.storage.volumes.get(resource.physical_id)


def _get_size(properties: Properties) -> int:
    return int(str(properties["size"] or 1))


def _read_metadata(properties: Properties) -> dict[str, str]:
    metadata = properties["metadata"]
    return {str(key): str(value) for key, value in metadata.items()} if isinstance(metadata, dict) else {}
