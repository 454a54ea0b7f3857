"""The volumes of a minimal Cinder: their states, reservations and attachments. Texts are those of Cinder 21 and 29."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime

from guestagent.embedded.host.clock import get_utc_time
from guestagent.embedded.host.identifiers import generate_id
from guestagent.embedded.openstack.cinder.errors import AttachmentInUse, VolumeNotFound, VolumeRefused
from guestagent.embedded.openstack.cinder.volume_backend import VolumeBackend
from guestagent.embedded.openstack.cinder.volume_faults import VolumeFaults, find_volume_faults
from guestagent.embedded.openstack.cinder.volume_messages import (
    CREATE_MESSAGE,
    EXTEND_MESSAGE,
    NO_ROOM_MESSAGE,
    NOTIFY_MESSAGE,
    SCHEDULE_MESSAGE,
    VolumeMessage,
)
from guestagent.embedded.openstack.cinder.volume_quota import VolumeQuota
from guestagent.embedded.openstack.cinder.volume_types import DEFAULT_TYPE, VolumeType
from guestagent.errors import CloudError, GuestAgentError

STEP_S = 0.05
"""Seconds of each state on the way: clients see it, and tests need not wait long."""
DELETABLE_STATUSES = frozenset({"available", "error", "error_extending"})
UNDELETABLE_MESSAGE = (
    "Invalid volume: Volume status must be available or error or error_restoring or error_extending or "
    "error_managing and must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or "
    "be disassociated from snapshots after volume transfer."
)
RESERVABLE_STATUSES = ("available", "downloading")
SHAREABLE_STATUSES = ("available", "in-use", "downloading")
CAPACITY_GIB = 10_000
"""What the one backend has. Of more there is no volume."""


@dataclass(slots=True, eq=False)
class StoredAttachment:
    """A reservation (`reserved`), or an attachment on its way (`attaching`) or complete (`attached`)."""

    volume_id: str
    server_id: str
    status: str = "reserved"
    device: str = ""
    is_deleted_with_server: bool = False
    attached: datetime | None = None
    id: str = field(default_factory=generate_id)


@dataclass(slots=True, eq=False)
class StoredVolume:
    """One volume. Its messages, the newest first, tell why it is in error."""

    name: str | None
    size_gib: int
    volume_type: VolumeType = DEFAULT_TYPE
    zone: str = "nova"
    metadata: dict[str, str] = field(default_factory=dict)
    description: str | None = None
    status: str = "creating"
    messages: list[VolumeMessage] = field(default_factory=list)
    id: str = field(default_factory=generate_id)
    created: datetime = field(default_factory=get_utc_time)

    @property
    def faults(self) -> VolumeFaults:
        """What goes wrong with it now."""
        return find_volume_faults(self.name, self.volume_type)

    def fail(self, status: str, event: str, reason: str = "") -> None:
        """Note that an operation failed, and why."""
        self.status = status
        self.messages.insert(0, VolumeMessage(event, reason))

    def fail_to_create(self, reason: str = "") -> None:
        """Note that the only backend refused the volume. Cinder looks for another one, and says that there is none."""
        self.fail("error", CREATE_MESSAGE, reason)
        self.fail("error", SCHEDULE_MESSAGE)


@dataclass(frozen=True, slots=True)
class BootVolume:
    """A volume in the request for a new server. `is_deleted_with_server` is Nova's delete_on_termination."""

    id: str
    is_deleted_with_server: bool = False


async def _ignore_growth(server_id: str, volume: StoredVolume) -> None:
    """Without Nova no server has a volume."""


class BlockStorage:
    """Every volume of the cloud. `extend_attached` tells Nova of a volume that grew while it is attached.

    `backend` has the content of the volumes.
    """

    def __init__(self, backend: VolumeBackend) -> None:
        self._backend = backend
        self.volumes: dict[str, StoredVolume] = {}
        self.attachments: dict[str, StoredAttachment] = {}
        self.quota = VolumeQuota()
        self.extend_attached: Callable[[str, StoredVolume], Awaitable[None]] = _ignore_growth
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

    def get_attachment(self, attachment_id: str) -> StoredAttachment:
        if attachment_id not in self.attachments:
            raise VolumeNotFound(
                f"Volume attachment could not be found with filter: attachment_id = {attachment_id}."
            )
        return self.attachments[attachment_id]

    def create(self, volume: StoredVolume) -> StoredVolume:
        """Add a volume, which is created in the background."""
        self.quota.check(volume.size_gib, volume.size_gib, self.used_gigabytes, len(self.volumes) + 1)
        self.volumes[volume.id] = volume
        self._start(self._complete_create(volume))
        return volume

    def extend(self, volume: StoredVolume, size_gib: int, is_attached_allowed: bool) -> None:
        """Grow a volume in the background; one that is attached only with a microversion that allows it."""
        if size_gib <= volume.size_gib:
            raise VolumeRefused(
                "Invalid input received: New size for extend must be greater than current size. "
                f"(current: {volume.size_gib}, extended: {size_gib})."
            )
        if volume.status not in ({"available", "in-use"} if is_attached_allowed else {"available"}):
            expected = "'{'status': 'available'}'"
            raise VolumeRefused(
                f"Invalid volume: Volume {volume.id} status must be {expected} to extend, currently {volume.status}."
            )
        self.quota.check(size_gib, size_gib - volume.size_gib, self.used_gigabytes, 0)
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
        if "error" in volume.status:
            raise VolumeRefused(
                "Invalid volume: Volume attachments can not be created if the volume is in an error state. "
                f"The Volume {volume_id} currently has a status of: {volume.status} "
            )
        expected = SHAREABLE_STATUSES if volume.volume_type.is_multiattach else RESERVABLE_STATUSES
        if volume.status not in expected:
            *others, last = expected
            raise VolumeRefused(
                f"Invalid volume: Volume {volume_id} status must be {', '.join(others)} or {last} to reserve, but the "
                f"current status is {volume.status}."
            )
        attachment = StoredAttachment(volume_id, server_id)
        self.attachments[attachment.id] = attachment
        volume.status = "reserved"
        return attachment

    async def attach(
        self, attachment: StoredAttachment, device: str, show: Callable[[], None] = lambda: None
    ) -> bool:
        """Complete a reservation. Return False, and release it, if the backend fails, or `show` to the server does.

        A server that was deleted meanwhile has released it already.
        """
        volume = self.find_volume(attachment.volume_id)
        if attachment.id in self.attachments:
            volume.status = attachment.status = "attaching"
        await asyncio.sleep(STEP_S)
        try:
            if volume.faults.fails_to_attach:
                raise CloudError(f"the backend cannot attach volume {volume.id}")
            await asyncio.to_thread(show)
        except GuestAgentError:
            self.release(attachment)
            return False
        if attachment.id not in self.attachments:
            return False
        volume.status, attachment.status, attachment.device = "in-use", "attached", device
        attachment.attached = get_utc_time()
        return True

    def replace_attachment(self, attachment: StoredAttachment) -> None:
        """Put a reservation for the same server in the place of an attachment."""
        reservation = replace(attachment, status="reserved", id=generate_id())
        del self.attachments[attachment.id]
        self.attachments[reservation.id] = reservation
        self.find_volume(attachment.volume_id).status = "reserved"

    def release(self, attachment: StoredAttachment) -> None:
        """End a reservation or an attachment: the volume is available again, or another server's. Twice is once."""
        volume = self.volumes.get(attachment.volume_id)
        if self.attachments.pop(attachment.id, None) is not None and volume is not None:
            left = [each.status for each in self.list_attachments(volume.id)] or ["available"]
            volume.status = "in-use" if "attached" in left else left[0]

    def delete_attachment(self, attachment_id: str, is_server_there: bool) -> None:
        """Delete an attachment as a user does: only a reservation, or one whose server is gone."""
        attachment = self.get_attachment(attachment_id)
        if is_server_there and attachment.status != "reserved":
            raise AttachmentInUse(
                f"ConflictNovaUsingAttachment: Detach volume from instance {attachment.server_id} using the "
                "Compute API"
            )
        self.release(attachment)

    async def wait_for_tasks(self) -> None:
        """Wait for everything that goes on in the background."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _complete_create(self, volume: StoredVolume) -> None:
        await _take_time(volume)
        if volume.size_gib > CAPACITY_GIB:
            volume.fail("error", SCHEDULE_MESSAGE)
            return
        if volume.faults.fails_to_create:
            volume.fail_to_create()
            return
        try:
            await asyncio.to_thread(self._backend.create_volume, volume.id, volume.size_gib)
        except GuestAgentError as error:
            volume.fail_to_create(str(error))
        else:
            volume.status = "available"

    async def _complete_extend(self, volume: StoredVolume, size_gib: int, former_status: str) -> None:
        if size_gib > CAPACITY_GIB:
            volume.fail(former_status, NO_ROOM_MESSAGE)
            return
        await _take_time(volume)
        if volume.faults.fails_to_extend:
            volume.fail("error_extending", EXTEND_MESSAGE)
            return
        try:
            await asyncio.to_thread(self._backend.extend_volume, volume.id, size_gib)
        except GuestAgentError as error:
            volume.fail("error_extending", EXTEND_MESSAGE, str(error))
            return
        volume.size_gib, volume.status = size_gib, former_status
        for attachment in self.list_attachments(volume.id):
            if volume.volume_type.fails_to_notify:
                volume.fail(volume.status, NOTIFY_MESSAGE)
            else:
                await self.extend_attached(attachment.server_id, volume)

    async def _complete_delete(self, volume: StoredVolume) -> None:
        await _take_time(volume)
        if volume.faults.fails_to_delete:
            volume.status = "error_deleting"
            return
        try:
            await asyncio.to_thread(self._backend.delete_volume, volume.id)
        except GuestAgentError:
            volume.status = "error_deleting"
        else:
            self.volumes.pop(volume.id, None)

    def _start(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _take_time(volume: StoredVolume) -> None:
    await asyncio.sleep(STEP_S + volume.faults.delay_s)
