"""The fake Cinder: volumes through their states, growth online, attachments, and what it refuses in which state."""

from __future__ import annotations

from guestagent.resources.natives.cloud_api import CloudAnswer
from guestagent.resources.natives.fake_project import FakeAttachment, FakeProject, FakeVolume, refuse
from guestagent.resources.natives.requests import CreateVolume, DeleteAttachment, DeleteVolume, GrowVolume
from guestagent.resources.natives.volume_messages import NO_BACKEND_TEXT, CloudMessage
from guestagent.resources.operation import RefusalCode

DELETABLE = {"available", "error", "error_extending", "error_restoring"}


class FakeVolumes:
    """Carries out the requests about volumes in a project."""

    def __init__(self, project: FakeProject) -> None:
        self._project = project

    def create(self, request: CreateVolume) -> CloudAnswer:
        """Take a volume: `creating`, then `available`, or `error` with a message if no backend has the room."""
        project, limits = self._project, self._project.limits
        if len(project.volumes) >= limits.volumes:
            raise refuse(RefusalCode.QUOTA, "VolumeLimitExceeded: Maximum number of volumes allowed exceeded")
        self._require_space(request.size_gib)
        volume = FakeVolume(
            project.build_id("volume"),
            request.name,
            request.size_gib,
            dict(request.metadata),
            volume_type=request.volume_type,
            request_id=project.build_id("req"),
        )
        project.volumes[volume.id] = volume
        return CloudAnswer(cloud_id=volume.id, request_id=volume.request_id)

    def grow(self, request: GrowVolume) -> CloudAnswer:
        """Take a growth: `extending`, then as before, with the new size if a backend has the room."""
        volume = self._get(request.volume_id)
        if volume.status not in {"available", "in-use"}:
            raise refuse(RefusalCode.REFUSED, f"Invalid volume: Volume status is {volume.status}")
        if request.size_gib <= volume.size_gib:
            raise refuse(RefusalCode.REFUSED, "New size for extend must be greater than current size")
        self._require_space(request.size_gib - volume.size_gib)
        volume.status, volume.countdown, volume.wanted_gib = "extending", 2, request.size_gib
        volume.request_id = self._project.build_id("req")
        return CloudAnswer(request_id=volume.request_id)

    def delete(self, request: DeleteVolume) -> CloudAnswer:
        """Take a deletion: `deleting`, then 404. A volume that is gone is fine."""
        volume = self._project.volumes.get(request.volume_id)
        if volume is not None and volume.status != "deleting":
            if volume.status not in DELETABLE or self._project.list_attachments(volume.id):
                message = (
                    f"Volume status must be available or error or ... but current status is {volume.status}"
                )
                raise refuse(RefusalCode.REFUSED, message)
            volume.status, volume.countdown = "deleting", 2
        return CloudAnswer()

    def delete_attachment(self, request: DeleteAttachment) -> CloudAnswer:
        """Delete a reservation of a server that is gone; one that Nova uses is a 409."""
        attachment = self._project.attachments.get(request.attachment_id)
        if attachment is not None:
            if attachment.server_id in self._project.servers:
                raise refuse(RefusalCode.REFUSED, "ConflictNovaUsingAttachment: Detach volume from instance")
            self.release(attachment)
        return CloudAnswer()

    def reserve(self, volume_id: str, server_id: str) -> None:
        """Reserve a volume for a server, as Nova does inside its POST. Only an available one can be."""
        volume = self._project.volumes.get(volume_id)
        if volume is None:
            raise refuse(
                RefusalCode.REFUSED, f"Block Device Mapping is Invalid: failed to get volume {volume_id}."
            )
        if volume.status != "available" and not (volume.is_multiattach and volume.status == "in-use"):
            message = f"Invalid volume: volume {volume_id} is {volume.status}"
            raise refuse(RefusalCode.REFUSED, message)
        volume.status = "reserved"
        self._add_attachment(volume_id, server_id)

    def change_attachment(self, server_id: str, status: str) -> None:
        """Attach a server's reserved volume: `attaching`, then `in-use`."""
        for attachment in self._project.attachments.values():
            if attachment.server_id == server_id:
                volume = self._project.volumes[attachment.volume_id]
                volume.status = status
                attachment.status = "attached" if status == "in-use" else status

    def leave_host(self, volume_id: str) -> None:
        """End the attachments of a volume whose server moves: it is reserved, and for no server that Cinder names."""
        for attachment in self._project.list_attachments(volume_id):
            del self._project.attachments[attachment.id]
        self._project.volumes[volume_id].status = "reserved"

    def reach_host(self, volume_id: str, server_id: str, status: str) -> None:
        """Attach a volume on the host to which its server has moved, or has returned."""
        if not self._project.list_attachments(volume_id):
            self._add_attachment(volume_id, server_id)
        self.change_attachment(server_id, status)

    def release(self, attachment: FakeAttachment) -> None:
        """End an attachment. The volume is available again."""
        del self._project.attachments[attachment.id]
        volume = self._project.volumes.get(attachment.volume_id)
        if volume is not None and volume.status in {"reserved", "attaching", "in-use", "detaching"}:
            volume.status = "available"

    def tick(self) -> None:
        for volume in [*self._project.volumes.values()]:
            if volume.status not in {"creating", "extending", "deleting"}:
                continue
            volume.countdown -= 1
            if volume.countdown <= 0:
                self._finish(volume)

    def _finish(self, volume: FakeVolume) -> None:
        project, limits = self._project, self._project.limits
        if volume.status == "creating":
            volume.status = "available" if limits.has_backend else "error"
            if not limits.has_backend:
                self._explain(volume, f"schedule allocate volume:{NO_BACKEND_TEXT}.")
        elif volume.status == "deleting":
            if limits.fails_volume_deletion:
                volume.status = "error_deleting"
            else:
                del project.volumes[volume.id]
        elif limits.fails_volume_growth:
            volume.status = "error_extending"
            self._explain(volume, "extend volume:Driver failed to extend volume.")
        elif not limits.has_backend:
            volume.wanted_gib = 0
            self._return_to_use(volume)
            self._explain(volume, f"extend volume:{NO_BACKEND_TEXT}.")
        else:
            self._finish_growth(volume)

    def _explain(self, volume: FakeVolume, text: str) -> None:
        message = CloudMessage(text, volume.request_id)
        self._project.messages.setdefault(volume.id, []).append(message)

    def _return_to_use(self, volume: FakeVolume) -> None:
        volume.status = "in-use" if self._project.list_attachments(volume.id) else "available"

    def _finish_growth(self, volume: FakeVolume) -> None:
        """Show the new size first; Nova's action follows. The hypervisor may refuse, and only the action tells."""
        volume.size_gib = volume.wanted_gib
        self._return_to_use(volume)
        for attachment in self._project.list_attachments(volume.id):
            self._project.begin_action(attachment.server_id, "extend_volume")
            result = "Error" if self._project.limits.fails_disk_growth else "Success"
            self._project.end_action(attachment.server_id, "extend_volume", result)

    def _add_attachment(self, volume_id: str, server_id: str) -> None:
        attachment = FakeAttachment(self._project.build_id("attachment"), volume_id, server_id)
        self._project.attachments[attachment.id] = attachment

    def _get(self, volume_id: str) -> FakeVolume:
        volume = self._project.volumes.get(volume_id)
        if volume is None:
            raise refuse(RefusalCode.NOT_FOUND, f"Volume {volume_id} could not be found.")
        return volume

    def _require_space(self, size_gib: int) -> None:
        used = sum(max(each.size_gib, each.wanted_gib) for each in self._project.volumes.values())
        if used + size_gib > self._project.limits.gibibytes:
            message = f"VolumeSizeExceedsAvailableQuota: Requested {size_gib}G, {used}G has been consumed"
            raise refuse(RefusalCode.QUOTA, message)
