"""Nova's API for the volumes of a server: attach, list and detach."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.http.errors import EntityNotFound, HTTPBadRequest
from guestagent.embedded.http.microversion import Microversion
from guestagent.embedded.openstack.cinder.errors import VolumeRefused
from guestagent.embedded.openstack.cinder.volumes import StoredAttachment
from guestagent.embedded.openstack.nova.compute_server import (
    RUNNING,
    ComputeServer,
    require_state,
    require_unlocked,
)
from guestagent.embedded.openstack.nova.microversions import read_microversion
from guestagent.embedded.openstack.nova.request_checks import check_keys, check_uuid, read_object, refuse
from guestagent.embedded.openstack.nova.server_volumes import describe_cinder_refusal
from guestagent.embedded.openstack.nova.servers import Compute

TAG_VERSION, TERMINATION_VERSION, OWN_ID_VERSION = (2, 49), (2, 79), (2, 89)
ATTACHABLE = RUNNING | {"resized"}
DEVICE_EXPRESSION = "(^/dev/x{0,1}[a-z]{0,1}d{0,1})([a-z]+)[0-9]*$"


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
        server, version = self._get_server(request), read_microversion(request)
        attachments = self._compute.volumes.list_attachments(server.id)
        rows = [_format_attachment(each, version) for each in attachments]
        return JSONResponse({"volumeAttachments": rows})

    async def _show_attachment(self, request: Request) -> Response:
        server, volume_id = self._get_server(request), request.path_params["volume"]
        attachment = self._compute.storage.find_attachment(volume_id, server.id)
        if attachment is None:
            raise EntityNotFound(f"Instance {server.id} is not attached to volume {volume_id}")
        return JSONResponse({"volumeAttachment": _format_attachment(attachment, read_microversion(request))})

    async def _attach(self, request: Request) -> Response:
        server, version = self._get_server(request), read_microversion(request)
        values = await read_object(request, "volumeAttachment")
        volume_id = _check_values(values, version)
        storage = self._compute.storage
        holders = [each.server_id for each in storage.list_attachments(volume_id)]
        storage.find_volume(volume_id)
        require_unlocked(server)
        require_state("attach_volume", server, ATTACHABLE)
        if holders:
            raise HTTPBadRequest(
                f"Invalid volume: volume {volume_id} is already attached to instances: {', '.join(holders)}"
            )
        try:
            attachment = storage.reserve(volume_id, server.id)
        except VolumeRefused as error:
            raise HTTPBadRequest(describe_cinder_refusal(error)) from error
        attachment.is_deleted_with_server = bool(values.get("delete_on_termination"))
        attachment.device = self._compute.volumes.find_device(server.id)
        self._compute.run_in_background(self._compute.volumes.attach(attachment))
        return JSONResponse({"volumeAttachment": _format_new_attachment(attachment, version)})

    async def _detach(self, request: Request) -> Response:
        server, volume_id = self._get_server(request), request.path_params["volume"]
        self._compute.volumes.find_attachment(server.id, volume_id)
        require_unlocked(server)
        require_state("detach_volume", server, ATTACHABLE)
        attachment = self._compute.volumes.start_detach(server.id, volume_id)
        self._compute.run_in_background(self._compute.volumes.complete_detach(attachment))
        return Response(status_code=202)

    def _get_server(self, request: Request) -> ComputeServer:
        return self._compute.get_server(request.path_params["id"])


def _check_values(values: Mapping[str, Any], version: Microversion) -> str:
    """Return the id of the volume in a request that Nova's schemas accept."""
    known = {"volumeId", "device", *(["tag"] if version >= TAG_VERSION else [])}
    known |= {"delete_on_termination"} if version >= TERMINATION_VERSION else set()
    check_keys("volumeAttachment", values, known, ["volumeId"])
    check_uuid("volumeId", values["volumeId"])
    device = values.get("device")
    if device is not None and not re.fullmatch(DEVICE_EXPRESSION.strip("^$"), str(device)):
        raise refuse("device", device, f"{device!r} does not match '{DEVICE_EXPRESSION}'")
    return str(values["volumeId"])


def _format_new_attachment(attachment: StoredAttachment, version: Microversion) -> dict[str, object]:
    view: dict[str, object] = {
        "id": attachment.volume_id,
        "volumeId": attachment.volume_id,
        "serverId": attachment.server_id,
        "device": attachment.device,
    }
    if version >= TAG_VERSION:
        view["tag"] = None
    if version >= TERMINATION_VERSION:
        view["delete_on_termination"] = attachment.is_deleted_with_server
    return view


def _format_attachment(attachment: StoredAttachment, version: Microversion) -> dict[str, object]:
    """Format an attachment in lists: from 2.89 on it has its own id in place of the volume's."""
    view = _format_new_attachment(attachment, version)
    if version >= OWN_ID_VERSION:
        del view["id"]
        view |= {"attachment_id": attachment.id, "bdm_uuid": attachment.id}
    return view
