"""Cinder's API: volumes, attachments, types, limits and messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.host.clock import format_timestamp
from guestagent.embedded.http.errors import ApiError
from guestagent.embedded.openstack.cinder.request_values import (
    read_body,
    read_metadata,
    read_microversion,
    read_name,
    read_object,
    read_size,
    read_volume_type,
)
from guestagent.embedded.openstack.cinder.volume_types import VOLUME_TYPES, VolumeType, find_volume_type
from guestagent.embedded.openstack.cinder.volumes import (
    BlockStorage,
    StoredAttachment,
    StoredVolume,
    VolumeNotFound,
    VolumeRefused,
)
from guestagent.embedded.openstack.keystone.demo_project import PROJECT_NAME

ROOT_PATH = "/volume"
API_PATH = ROOT_PATH + "/v3/{project}"
ATTACHED_EXTEND_MICROVERSION = (3, 42)
CREATE_KEYS = frozenset({"name", "size", "volume_type", "availability_zone", "metadata", "description"})
FILTERS = frozenset({"name", "status", "metadata", "limit", "marker", "sort", "all_tenants", "offset"})


class BlockStorageApi:
    """The routes of the block storage service. `is_server_there` tells of Nova's servers."""

    def __init__(self, storage: BlockStorage, is_server_there: Callable[[str], bool]) -> None:
        self._storage, self._is_server_there = storage, is_server_there

    def build_routes(self) -> list[Route]:
        return [
            Route(ROOT_PATH, _show_versions),
            Route(ROOT_PATH + "/", _show_versions),
            Route(ROOT_PATH + "/v3/", _show_versions),
            Route(API_PATH + "/types", _list_types),
            Route(API_PATH + "/types/{id}", _show_type),
            Route(API_PATH + "/limits", self._show_limits),
            Route(API_PATH + "/messages", self._list_messages),
            Route(API_PATH + "/volumes", self._list_volumes),
            Route(API_PATH + "/volumes", self._create_volume, methods=["POST"]),
            Route(API_PATH + "/volumes/detail", self._list_volumes),
            Route(API_PATH + "/volumes/{id}", self._show_volume),
            Route(API_PATH + "/volumes/{id}", self._change_volume, methods=["PUT"]),
            Route(API_PATH + "/volumes/{id}", self._delete_volume, methods=["DELETE"]),
            Route(API_PATH + "/volumes/{id}/action", self._run_action, methods=["POST"]),
            Route(API_PATH + "/volumes/{id}/metadata", self._add_metadata, methods=["POST"]),
            Route(API_PATH + "/attachments", self._list_attachments),
            Route(API_PATH + "/attachments/detail", self._list_attachments),
            Route(API_PATH + "/attachments/{id}", self._delete_attachment, methods=["DELETE"]),
        ]

    async def _list_volumes(self, request: Request) -> Response:
        query = request.query_params
        for key in query:
            if key not in FILTERS:
                raise VolumeRefused(f"Invalid filters {key} are found in query options.")
        volumes = [] if query.get("marker") else reversed(self._storage.volumes.values())
        rows = [self._format_volume(volume) for volume in volumes if _matches_filters(volume, query)]
        return JSONResponse({"volumes": rows})

    async def _create_volume(self, request: Request) -> Response:
        body = await read_object(request, "volume")
        for key in body:
            if key not in CREATE_KEYS:
                raise VolumeRefused(f"Additional properties are not allowed ('{key}' was unexpected)")
        volume = StoredVolume(
            name=read_name(body.get("name")),
            size_gib=read_size(body.get("size"), "size"),
            volume_type=read_volume_type(body.get("volume_type")),
            metadata=read_metadata(body.get("metadata") or {}),
        )
        if (zone := body.get("availability_zone") or "nova") != "nova":
            raise VolumeRefused(f"Availability zone '{zone}' is invalid.")
        return JSONResponse({"volume": self._format_volume(self._storage.create(volume))}, 202)

    async def _show_volume(self, request: Request) -> Response:
        return JSONResponse({"volume": self._format_volume(self._get_volume(request))})

    async def _change_volume(self, request: Request) -> Response:
        volume, body = self._get_volume(request), await read_object(request, "volume")
        volume.name = read_name(body.get("name", volume.name))
        return JSONResponse({"volume": self._format_volume(volume)})

    async def _delete_volume(self, request: Request) -> Response:
        self._storage.delete(self._get_volume(request))
        return Response(status_code=202)

    async def _run_action(self, request: Request) -> Response:
        volume, body = self._get_volume(request), await read_body(request)
        if "os-extend" not in body:
            raise VolumeRefused(f"There is no such action: {', '.join(body) or None}")
        size = read_size(dict(body["os-extend"] or {}).get("new_size"), "new_size")
        is_attached_allowed = read_microversion(request) >= ATTACHED_EXTEND_MICROVERSION
        self._storage.extend(volume, size, is_attached_allowed)
        return Response(status_code=202)

    async def _add_metadata(self, request: Request) -> Response:
        volume = self._get_volume(request)
        volume.metadata |= read_metadata(await read_object(request, "metadata"))
        return JSONResponse({"metadata": volume.metadata})

    async def _list_attachments(self, request: Request) -> Response:
        query = request.query_params
        attachments = [
            each
            for each in self._storage.attachments.values()
            if query.get("volume_id", each.volume_id) == each.volume_id
            and query.get("instance_id", each.server_id) == each.server_id
        ]
        return JSONResponse({"attachments": [_format_attachment(each) for each in attachments]})

    async def _delete_attachment(self, request: Request) -> Response:
        attachment_id = request.path_params["id"]
        attachment = self._storage.attachments.get(attachment_id)
        is_there = attachment is not None and self._is_server_there(attachment.server_id)
        self._storage.delete_attachment(attachment_id, is_there)
        return JSONResponse({"attachments": []})

    async def _show_limits(self, request: Request) -> Response:
        quota = self._storage.quota
        absolute = {
            "maxTotalVolumes": quota.volumes,
            "maxTotalVolumeGigabytes": quota.gigabytes,
            "totalVolumesUsed": len(self._storage.volumes),
            "totalGigabytesUsed": self._storage.used_gigabytes,
        }
        return JSONResponse({"limits": {"rate": [], "absolute": absolute}})

    async def _list_messages(self, request: Request) -> Response:
        volume_id = request.query_params.get("resource_uuid")
        rows = [
            {"resource_uuid": volume.id, "resource_type": "VOLUME", "user_message": volume.message}
            for volume in self._storage.volumes.values()
            if volume.message and volume_id in (None, volume.id)
        ]
        return JSONResponse({"messages": rows})

    def _get_volume(self, request: Request) -> StoredVolume:
        return self._storage.find_volume(request.path_params["id"])

    def _format_volume(self, volume: StoredVolume) -> dict[str, object]:
        attachments = [
            {
                "id": volume.id,
                "attachment_id": each.id,
                "volume_id": volume.id,
                "server_id": each.server_id,
                "device": each.device,
                "host_name": None,
            }
            for each in self._storage.list_attachments(volume.id)
            if each.status == "attached"
        ]
        return {
            "id": volume.id,
            "name": volume.name,
            "status": volume.status,
            "size": volume.size_gib,
            "availability_zone": volume.zone,
            "created_at": str(format_timestamp(volume.created)).removesuffix("Z"),
            "description": None,
            "volume_type": volume.volume_type.name,
            "metadata": volume.metadata,
            "attachments": attachments,
            "multiattach": False,
            "bootable": "false",
            "encrypted": False,
            "os-vol-tenant-attr:tenant_id": PROJECT_NAME,
            "links": [],
        }


def build_volume_error(error: ApiError) -> Response:
    """Format an error as Cinder does."""
    fault_types = {404: "itemNotFound", 409: "conflictingRequest", 413: "overLimit"}
    fault: dict[str, object] = {"code": error.status, "message": str(error)}
    if error.status == 413:
        fault["retryAfter"] = "0"
    headers = {"Retry-After": "0"} if error.status == 413 else None
    return JSONResponse({fault_types.get(error.status, "badRequest"): fault}, error.status, headers)


def _format_attachment(attachment: StoredAttachment) -> dict[str, object]:
    return {
        "id": attachment.id,
        "volume_id": attachment.volume_id,
        "instance": attachment.server_id,
        "status": attachment.status,
    }


def _matches_filters(volume: StoredVolume, query: Mapping[str, str]) -> bool:
    if query.get("name", volume.name) != volume.name or query.get("status", volume.status) != volume.status:
        return False
    wanted = dict(re.findall(r"['\"]([^'\"]+)['\"]\s*:\s*['\"]([^'\"]*)['\"]", query.get("metadata", "")))
    return wanted.items() <= volume.metadata.items()


async def _list_types(request: Request) -> Response:
    return JSONResponse({"volume_types": [_format_type(each) for each in VOLUME_TYPES]})


async def _show_type(request: Request) -> Response:
    volume_type = find_volume_type(request.path_params["id"])
    if volume_type is None:
        raise VolumeNotFound(f"Volume type {request.path_params['id']} could not be found.")
    return JSONResponse({"volume_type": _format_type(volume_type)})


def _format_type(volume_type: VolumeType) -> dict[str, object]:
    return {"id": volume_type.id, "name": volume_type.name, "is_public": True, "extra_specs": {}}


async def _show_versions(request: Request) -> Response:
    version = {
        "id": "v3.0",
        "status": "CURRENT",
        "version": "3.70",
        "min_version": "3.0",
        "updated": "2023-08-31T00:00:00Z",
        "links": [{"rel": "self", "href": f"{request.base_url}volume/v3/"}],
    }
    return JSONResponse({"versions": [version]}, 300 if request.url.path == ROOT_PATH else 200)
