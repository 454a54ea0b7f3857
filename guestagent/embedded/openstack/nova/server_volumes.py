"""The volumes of servers: reserved before a server exists, attached while it boots, released when it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import partial

from guestagent.embedded.host.identifiers import generate_id
from guestagent.embedded.http.errors import ApiError, EntityNotFound, HTTPBadRequest
from guestagent.embedded.openstack.cinder.volumes import (
    STEP_S,
    BlockStorage,
    BootVolume,
    StoredAttachment,
    StoredVolume,
)
from guestagent.embedded.openstack.nova.action_log import ActionLog
from guestagent.embedded.openstack.nova.hypervisor import Hypervisor
from guestagent.errors import GuestAgentError

MOVABLE_STATUSES = frozenset({"in-use", "reserved"})
FIRST_DEVICE = ord("b")  # /dev/sda is the root disk


def describe_cinder_refusal(error: ApiError) -> str:
    """Describe a refusal of Cinder's as Nova does."""
    return f"Invalid input received: {error} (HTTP {error.status}) (Request-ID: req-{generate_id()})"


class ServerVolumes:
    """Nova's half of attachments. `rigid_servers` do not see that a volume has grown."""

    def __init__(self, storage: BlockStorage, actions: ActionLog, hypervisor: Hypervisor) -> None:
        self._storage, self._actions, self._hypervisor = storage, actions, hypervisor
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

    def reserve_in_vain(self, attachments: Sequence[StoredAttachment]) -> None:
        """Reserve volumes again for a server that is gone. Only their owner can release them, in Cinder."""
        for attachment in attachments:
            with suppress(ApiError):
                self._storage.reserve(attachment.volume_id, attachment.server_id)

    async def attach_reserved(self, server_id: str) -> bool:
        """Attach what is reserved for a server that boots. Return whether all of it could be attached."""
        results = [
            await self._storage.attach(attachment, self.find_device(server_id))
            for attachment in self.list_attachments(server_id)
            if attachment.status == "reserved"
        ]
        return all(results)

    async def attach(self, attachment: StoredAttachment) -> None:
        """Complete an attachment to a server that runs. Of a failure only the action tells."""
        action = self._actions.start(attachment.server_id, "attach_volume")
        await asyncio.sleep(STEP_S)
        device = attachment.device or self.find_device(attachment.server_id)
        show = partial(self._hypervisor.attach_volume, attachment.server_id, attachment.volume_id)
        action.end(await self._storage.attach(attachment, device, show))

    def find_attachment(self, server_id: str, volume_id: str) -> StoredAttachment:
        """Return the attachment of a volume to that server. EntityNotFound: there is none."""
        self._storage.find_volume(volume_id)
        attachment = self._storage.find_attachment(volume_id, server_id)
        if attachment is None:
            raise EntityNotFound(f"Instance {server_id} is not attached to volume {volume_id}")
        return attachment

    def start_detach(self, server_id: str, volume_id: str) -> StoredAttachment:
        """Begin to detach a volume. `complete_detach` ends it."""
        attachment = self.find_attachment(server_id, volume_id)
        volume = self._storage.find_volume(volume_id)
        if volume.status != "in-use":
            refusal = HTTPBadRequest(
                "Invalid volume: Unable to detach volume. Volume status must be 'in-use' and attach_status must be "
                "'attached' to detach."
            )
            raise HTTPBadRequest(f"Invalid volume: {describe_cinder_refusal(refusal)}")
        volume.status = "detaching"
        return attachment

    async def complete_detach(self, attachment: StoredAttachment) -> None:
        action = self._actions.start(attachment.server_id, "detach_volume")
        await asyncio.sleep(STEP_S)
        try:
            await asyncio.to_thread(
                self._hypervisor.detach_volume, attachment.server_id, attachment.volume_id
            )
        except GuestAgentError:
            self._storage.find_volume(attachment.volume_id).status = "in-use"
            action.end(is_success=False)
        else:
            self._storage.release(attachment)
            action.end()

    def start_move(self, server_id: str) -> None:
        """Replace the attachments by reservations, as Nova does while a server changes its host."""
        for attachment in self.list_attachments(server_id):
            if attachment.status == "attached":
                self._storage.replace_attachment(attachment)

    def start_attaching(self, server_id: str) -> bool:
        """Begin to attach the reserved volumes of a server on its new host. Return whether the backend could do it."""
        for attachment in self.list_attachments(server_id):
            volume = self._storage.find_volume(attachment.volume_id)
            if volume.faults.fails_to_attach:
                return False
            volume.status = attachment.status = "attaching"
        return True

    def complete_move(self, server_id: str) -> None:
        """Complete the new attachments: the guest has kept its volumes."""
        for attachment in self.list_attachments(server_id):
            attachment.status = "attached"
            self._storage.find_volume(attachment.volume_id).status = "in-use"

    def release_all(self, server_id: str, is_failure: bool = False) -> None:
        """Release the volumes of a server that is gone, and delete those that go with it, unless it never was."""
        for attachment in self.list_attachments(server_id):
            self._storage.release(attachment)
            volume = self._storage.volumes.get(attachment.volume_id)
            if attachment.is_deleted_with_server and volume is not None and not is_failure:
                self._storage.delete(volume)

    def can_be_moved(self, server_id: str) -> bool:
        """Return whether Cinder reserves all volumes of the server for another host: none that grows, for example."""
        attachments = self.list_attachments(server_id)
        return all(self._storage.volumes[each.volume_id].status in MOVABLE_STATUSES for each in attachments)

    def find_device(self, server_id: str) -> str:
        used = {each.device for each in self.list_attachments(server_id)}
        names = (f"/dev/sd{chr(letter)}" for letter in range(FIRST_DEVICE, ord("z") + 1))
        return next(name for name in names if name not in used)

    async def _show_growth(self, server_id: str, volume: StoredVolume) -> None:
        """Show the guest the new size. Cinder has set it already: of a failure only the action tells."""
        action = self._actions.start(server_id, "extend_volume")
        if server_id in self.rigid_servers:
            action.end(is_success=False)
            return
        try:
            if not volume.volume_type.hides_growth:
                await asyncio.to_thread(self._hypervisor.show_growth, server_id, volume.id)
        except GuestAgentError:
            action.end(is_success=False)
        else:
            action.end()
