"""Nova's API for the volumes of a server: attach, list and detach."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.http.errors import EntityNotFound, HTTPBadRequest
from guestagent.embedded.openstack.cinder.volumes import StoredAttachment, VolumeRefused
from guestagent.embedded.openstack.nova.server_actions import WrongState
from guestagent.embedded.openstack.nova.servers import Compute, ComputeServer


class VolumeAttachmentApi:
    """The routes below one server. A failed attachment is answered 200: only the server's actions tell."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute

    def build_routes(self, server_path: str) -> list[Route]:
        path = server_path + "/os-volume_attachments"
        return [
            Route(path, self._list_attachments),
            Route(path, self._attach, methods=["POST"]),
            Route(path + "/{volume}", self._show_attachment),
            Route(path + "/{volume}", self._detach, methods=["DELETE"]),
        ]

    async def _list_attachments(self, request: Request) -> Response:
        server = self._get_server(request)
        rows = [_format_attachment(each) for each in self._compute.volumes.list_attachments(server.id)]
        return JSONResponse({"volumeAttachments": rows})

    async def _show_attachment(self, request: Request) -> Response:
        server, volume_id = self._get_server(request), request.path_params["volume"]
        attachment = self._compute.storage.find_attachment(volume_id, server.id)
        if attachment is None:
            raise EntityNotFound(f"Instance {server.id} is not attached to volume {volume_id}")
        return JSONResponse({"volumeAttachment": _format_attachment(attachment)})

    async def _attach(self, request: Request) -> Response:
        server = self._get_server(request)
        try:
            body = dict((await request.json())["volumeAttachment"])
            volume_id = str(body["volumeId"])
        except (ValueError, KeyError, TypeError) as error:
            raise HTTPBadRequest("Malformed request body") from error
        if server.status not in {"ACTIVE", "VERIFY_RESIZE"}:
            raise WrongState(
                f"Cannot 'attach_volume' instance {server.id} while it is in status {server.status}"
            )
        holders = [each.server_id for each in self._compute.storage.list_attachments(volume_id)]
        if holders:
            raise HTTPBadRequest(
                f"Invalid volume: volume {volume_id} is already attached to instances: {', '.join(holders)}"
            )
        try:
            attachment = self._compute.storage.reserve(volume_id, server.id)
        except VolumeRefused as error:
            raise HTTPBadRequest(str(error)) from error
        attachment.is_deleted_with_server = bool(body.get("delete_on_termination"))
        self._compute.run_in_background(self._compute.volumes.attach(attachment))
        return JSONResponse({"volumeAttachment": _format_attachment(attachment)})

    async def _detach(self, request: Request) -> Response:
        server = self._get_server(request)
        attachment = self._compute.volumes.start_detach(server.id, request.path_params["volume"])
        self._compute.run_in_background(self._compute.volumes.complete_detach(attachment))
        return Response(status_code=202)

    def _get_server(self, request: Request) -> ComputeServer:
        return self._compute.get_server(request.path_params["id"])


def _format_attachment(attachment: StoredAttachment) -> dict[str, object]:
    return {
        "id": attachment.volume_id,
        "volumeId": attachment.volume_id,
        "serverId": attachment.server_id,
        "attachment_id": attachment.id,
        "device": attachment.device,
        "tag": None,
        "delete_on_termination": attachment.is_deleted_with_server,
    }
