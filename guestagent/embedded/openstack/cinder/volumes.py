"""The volumes of a minimal Cinder: their states, reservations and attachments. Texts are those of Cinder 21 and 29."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from guestagent.embedded.host.clock import get_utc_time
from guestagent.embedded.host.identifiers import generate_id
from guestagent.embedded.http.errors import ApiError
from guestagent.embedded.openstack.cinder.volume_types import DEFAULT_TYPE, VolumeType

STEP_S = 0.05
"""Seconds of each state on the way: clients see it, and tests need not wait long."""
DELETABLE_STATUSES = frozenset({"available", "error", "error_extending"})
UNDELETABLE_MESSAGE = (
    "Invalid volume: Volume status must be available or error or error_restoring or error_extending or "
    "error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or "
    "be disassociated from snapshots after volume transfer."
)


class VolumeNotFound(ApiError):
    status = 404


class VolumeRefused(ApiError):
    """A request that does not fit the volume's state."""


class OverLimit(ApiError):
    """A request above the project's quota. Cinder answers 413, with Retry-After: 0."""

    status: ClassVar[int] = 413


class AttachmentInUse(ApiError):
    """An attachment that belongs to a server is ended by Nova alone."""

    status: ClassVar[int] = 409


@dataclass(slots=True, eq=False)
class StoredAttachment:
    """A reservation (`reserved`), or an attachment on its way (`attaching`) or complete (`attached`)."""

    volume_id: str
    server_id: str
    status: str = "reserved"
    device: str = ""
    is_deleted_with_server: bool = False
    id: str = field(default_factory=generate_id)


@dataclass(slots=True, eq=False)
class StoredVolume:
    """One volume. `message` is why it is in error."""

    name: str
    size_gib: int
    volume_type: VolumeType = DEFAULT_TYPE
    zone: str = "nova"
    metadata: dict[str, str] = field(default_factory=dict)
    status: str = "creating"
    message: str = ""
    id: str = field(default_factory=generate_id)
    created: datetime = field(default_factory=get_utc_time)


@dataclass(slots=True)
class VolumeQuota:
    """The limits of the project; a limit for one volume of None is none."""

    volumes: int = 100
    gigabytes: int = 10_000
    per_volume_gigabytes: int | None = None


class BlockStorage:
    """Every volume of the cloud. `extend_attached` tells Nova of a volume that grew while it is attached."""

    def __init__(self) -> None:
        self.volumes: dict[str, StoredVolume] = {}
        self.attachments: dict[str, StoredAttachment] = {}
        self.quota = VolumeQuota()
        self.extend_attached: Callable[[str, StoredVolume], None] = lambda server_id, volume: None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def used_gigabytes(self) -> int:
        return sum(volume.size_gib for volume in self.volumes.values())

    def find_volume(self, volume_id: str) -> StoredVolume:
        if volume_id not in self.volumes:
            raise VolumeNotFound(f"Volume {volume_id} could not be found.")
        return self.volumes[volume_id]

    def list_attachments(self, volume_id: str) -> list[StoredAttachment]:
        return [each for each in self.attachments.values() if each.volume_id == volume_id]

    def find_attachment(self, volume_id: str, server_id: str) -> StoredAttachment | None:
        """Return the volume's attachment to that server."""
        attachments = self.list_attachments(volume_id)
        return next((each for each in attachments if each.server_id == server_id), None)

    def create(self, volume: StoredVolume) -> StoredVolume:
        """Add a volume, which is created in the background."""
        self._check_quota(1, volume.size_gib, volume.size_gib)
        self.volumes[volume.id] = volume
        self._start(self._complete_create(volume))
        return volume

    def extend(self, volume: StoredVolume, size_gib: int, is_attached_allowed: bool) -> None:
        """Grow a volume in the background; one that is attached only with a microversion that allows it."""
        allowed = {"available", "in-use"} if is_attached_allowed else {"available"}
        if volume.status not in allowed:
            expected = "'{'status': 'available'}'"
            raise VolumeRefused(
                f"Invalid volume: Volume {volume.id} status must be {expected} to extend, currently {volume.status}."
            )
        if size_gib <= volume.size_gib:
            raise VolumeRefused(
                "Invalid input received: New size for extend must be greater than current size. "
                f"(current: {volume.size_gib}, extended: {size_gib})."
            )
        self._check_quota(0, size_gib - volume.size_gib, size_gib)
        former_status, volume.status = volume.status, "extending"
        self._start(self._complete_extend(volume, size_gib, former_status))

    def delete(self, volume: StoredVolume) -> None:
        """Delete a volume in the background."""
        if volume.status not in DELETABLE_STATUSES or self.list_attachments(volume.id):
            raise VolumeRefused(UNDELETABLE_MESSAGE)
        volume.status = "deleting"
        self._start(self._complete_delete(volume))

    def reserve(self, volume_id: str, server_id: str) -> StoredAttachment:
        """Reserve a volume for a server: the next one that asks for it is refused."""
        volume = self.find_volume(volume_id)
        if volume.status != "available":
            raise VolumeRefused(
                f"Invalid volume: Invalid input received: Invalid volume: Volume {volume_id} status must be available "
                f"or downloading to reserve, but the current status is {volume.status}. (HTTP 400)"
            )
        attachment = StoredAttachment(volume_id, server_id)
        self.attachments[attachment.id] = attachment
        volume.status = "reserved"
        return attachment

    async def attach(self, attachment: StoredAttachment, device: str) -> bool:
        """Complete a reservation. Return False, and release it, if the backend fails."""
        volume = self.find_volume(attachment.volume_id)
        volume.status = attachment.status = "attaching"
        await asyncio.sleep(STEP_S)
        if volume.volume_type.fails_to_attach:
            self.release(attachment)
            return False
        volume.status, attachment.status, attachment.device = "in-use", "attached", device
        return True

    def release(self, attachment: StoredAttachment) -> None:
        """End a reservation or an attachment; the volume is available again."""
        self.attachments.pop(attachment.id, None)
        volume = self.volumes.get(attachment.volume_id)
        if volume is not None and not self.list_attachments(volume.id):
            volume.status = "available"

    def delete_attachment(self, attachment_id: str, is_server_there: bool) -> None:
        """Delete an attachment as a user does: only a reservation, or one whose server is gone."""
        attachment = self.attachments.get(attachment_id)
        if attachment is None:
            raise VolumeNotFound(
                f"Volume attachment could not be found with filter: attachment_id = {attachment_id}."
            )
        if is_server_there and attachment.status != "reserved":
            raise AttachmentInUse(
                f"ConflictNovaUsingAttachment: Detach volume from instance {attachment.server_id} using the "
                "Compute API"
            )
        self.release(attachment)

    async def wait_for_tasks(self) -> None:
        """Wait for everything that goes on in the background."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _check_quota(self, count: int, more_gib: int, size_gib: int) -> None:
        quota, used = self.quota, self.used_gigabytes
        if quota.per_volume_gigabytes is not None and size_gib > quota.per_volume_gigabytes:
            raise OverLimit(
                f"VolumeSizeExceedsLimit: Requested volume size {size_gib}G is larger than maximum allowed limit "
                f"{quota.per_volume_gigabytes}G."
            )
        if len(self.volumes) + count > quota.volumes:
            raise OverLimit(
                f"VolumeLimitExceeded: Maximum number of volumes allowed ({quota.volumes}) exceeded for quota "
                "'volumes'."
            )
        if used + more_gib > quota.gigabytes:
            raise OverLimit(
                "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. "
                f"Requested {more_gib}G, quota is {quota.gigabytes}G and {used}G has been consumed."
            )

    async def _complete_create(self, volume: StoredVolume) -> None:
        await asyncio.sleep(STEP_S)
        if volume.volume_type.fails_to_create:
            volume.status = "error"
            volume.message = "create volume from backend storage:Driver failed to create the volume."
        else:
            volume.status = "available"

    async def _complete_extend(self, volume: StoredVolume, size_gib: int, former_status: str) -> None:
        await asyncio.sleep(STEP_S)
        if volume.volume_type.fails_to_extend:
            volume.status = "error_extending"
            volume.message = "extend volume:Volume Driver failed to extend volume."
            return
        volume.size_gib, volume.status = size_gib, former_status
        for attachment in self.list_attachments(volume.id):
            self.extend_attached(attachment.server_id, volume)

    async def _complete_delete(self, volume: StoredVolume) -> None:
        await asyncio.sleep(STEP_S)
        if volume.volume_type.fails_to_delete:
            volume.status = "error_deleting"
        else:
            self.volumes.pop(volume.id, None)

    def _start(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
