"""The volumes of servers: reserved before a server exists, attached while it boots, released when it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from guestagent.embedded.http.errors import EntityNotFound, HTTPBadRequest
from guestagent.embedded.openstack.cinder.volumes import STEP_S, BlockStorage, StoredAttachment, StoredVolume
from guestagent.embedded.openstack.nova.action_log import ActionLog

FIRST_DEVICE = ord("b")  # /dev/sda is the root disk


@dataclass(frozen=True, slots=True)
class BootVolume:
    """A volume in the request for a new server. `is_deleted_with_server` is Nova's delete_on_termination."""

    id: str
    is_deleted_with_server: bool = False


class ServerVolumes:
    """Nova's half of attachments. `rigid_servers` do not see that a volume has grown."""

    def __init__(self, storage: BlockStorage, actions: ActionLog) -> None:
        self._storage, self._actions = storage, actions
        self.rigid_servers: set[str] = set()
        storage.extend_attached = self._show_growth

    def list_attachments(self, server_id: str) -> list[StoredAttachment]:
        """List reservations, too: Nova shows them from the start."""
        return [each for each in self._storage.attachments.values() if each.server_id == server_id]

    def reserve(self, server_id: str, volumes: Sequence[BootVolume]) -> None:
        """Reserve the volumes of a new server, all or none."""
        with ExitStack() as stack:
            for volume in volumes:
                attachment = self._storage.reserve(volume.id, server_id)
                stack.callback(self._storage.release, attachment)
                attachment.is_deleted_with_server = volume.is_deleted_with_server
            stack.pop_all()

    async def attach_reserved(self, server_id: str) -> bool:
        """Attach what is reserved for a server that boots. Return whether all of it could be attached."""
        results = [
            await self._storage.attach(attachment, self._find_device(server_id))
            for attachment in self.list_attachments(server_id)
            if attachment.status == "reserved"
        ]
        return all(results)

    async def attach(self, attachment: StoredAttachment) -> None:
        """Complete an attachment to a server that runs. Of a failure only the action tells."""
        action = self._actions.start(attachment.server_id, "attach_volume")
        await asyncio.sleep(STEP_S)
        device = self._find_device(attachment.server_id)
        action.end(await self._storage.attach(attachment, device))

    def start_detach(self, server_id: str, volume_id: str) -> StoredAttachment:
        """Begin to detach a volume. `complete_detach` ends it."""
        volume = self._storage.find_volume(volume_id)
        attachment = self._storage.find_attachment(volume_id, server_id)
        if attachment is None:
            raise EntityNotFound(f"Instance {server_id} is not attached to volume {volume_id}")
        if volume.status != "in-use":
            raise HTTPBadRequest(
                "Invalid volume: Invalid input received: Invalid volume: Unable to detach volume. Volume status must "
                "be 'in-use' and attach_status must be 'attached' to detach. (HTTP 400)"
            )
        volume.status = "detaching"
        return attachment

    async def complete_detach(self, attachment: StoredAttachment) -> None:
        action = self._actions.start(attachment.server_id, "detach_volume")
        await asyncio.sleep(STEP_S)
        self._storage.release(attachment)
        action.end()

    def release_all(self, server_id: str) -> None:
        """Release the volumes of a server that is gone, and delete those that go with it."""
        for attachment in self.list_attachments(server_id):
            self._storage.release(attachment)
            volume = self._storage.volumes.get(attachment.volume_id)
            if attachment.is_deleted_with_server and volume is not None:
                self._storage.delete(volume)

    def has_extending_volume(self, server_id: str) -> bool:
        """Return whether a volume of the server grows at this moment."""
        attachments = self.list_attachments(server_id)
        return any(self._storage.volumes[each.volume_id].status == "extending" for each in attachments)

    def _find_device(self, server_id: str) -> str:
        used = {each.device for each in self.list_attachments(server_id)}
        names = (f"/dev/sd{chr(letter)}" for letter in range(FIRST_DEVICE, ord("z") + 1))
        return next(name for name in names if name not in used)

    def _show_growth(self, server_id: str, volume: StoredVolume) -> None:
        """Tell the guest of the new size. Cinder has set it already: of a failure only the action tells."""
        self._actions.start(server_id, "extend_volume").end(server_id not in self.rigid_servers)
