"""Cinder's API: volumes, attachments, types, limits and messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.http.errors import ApiError
from guestagent.embedded.http.microversion import format_microversion
from guestagent.embedded.http.request_ids import get_request_id
from guestagent.embedded.openstack.cinder.errors import VolumeNotFound, VolumeRefused
from guestagent.embedded.openstack.cinder.list_filters import check_filters, matches_filters
from guestagent.embedded.openstack.cinder.microversion import (
    NEWEST,
    OLDEST,
    REQUEST_ID_HEADER,
    Endpoint,
    check_version,
    read_microversion,
)
from guestagent.embedded.openstack.cinder.request_values import (
    check_keys,
    read_body,
    read_metadata,
    read_new_size,
    read_object,
    read_size,
    read_text,
    read_value,
    read_volume_type,
    refuse_value,
)
from guestagent.embedded.openstack.cinder.views import (
    View,
    format_attachment,
    format_attachment_summary,
    format_message,
    format_type,
    format_volume,
    format_volume_summary,
)
from guestagent.embedded.openstack.cinder.volume_types import DEFAULT_TYPE, VOLUME_TYPES, find_volume_type
from guestagent.embedded.openstack.cinder.volumes import BlockStorage, StoredVolume

ROOT_PATH = "/volume"
API_PATH = ROOT_PATH + "/v3/{project}"
FILTER_MICROVERSION = (3, 31)
ATTACHED_EXTEND_MICROVERSION = (3, 42)
STRICT_MICROVERSION = (3, 53)
"""From here on Cinder refuses keys that it does not know; before, it ignores them."""
CHANGE_KEYS = frozenset({"name", "description", "metadata"})
CREATE_KEYS = CHANGE_KEYS | {"size", "volume_type", "availability_zone"}
CONTENT_KEYS = frozenset({"consistencygroup_id", "snapshot_id", "imageRef", "source_volid", "backup_id"})
"""Where the content of a new volume comes from. Cinder's own client always sends them: here they have to be null."""
OTHER_LIMITS = {"Backups": 10, "BackupGigabytes": 1000, "Snapshots": 10}


class BlockStorageApi:
    """The routes of the block storage service. `is_server_there` tells of Nova's servers."""

    def __init__(self, storage: BlockStorage, is_server_there: Callable[[str], bool]) -> None:
        self._storage, self._is_server_there = storage, is_server_there

    def build_routes(self) -> list[Route]:
        return [
            Route(ROOT_PATH, _show_versions),
            Route(ROOT_PATH + "/", _show_versions),
            Route(ROOT_PATH + "/v3/", _show_versions),
            _build_route("GET", "types", _list_types),
            _build_route("GET", "types/default", _show_default_type),
            _build_route("GET", "types/{id}", _show_type),
            _build_route("GET", "os-availability-zone", _list_zones),
            _build_route("GET", "limits", self._show_limits),
            _build_route("GET", "messages", self._list_messages),
            _build_route("GET", "volumes", self._list_volumes),
            _build_route("POST", "volumes", self._create_volume),
            _build_route("GET", "volumes/detail", self._list_volumes),
            _build_route("GET", "volumes/{id}", self._show_volume),
            _build_route("PUT", "volumes/{id}", self._change_volume),
            _build_route("DELETE", "volumes/{id}", self._delete_volume),
            _build_route("POST", "volumes/{id}/action", self._run_action),
            _build_route("POST", "volumes/{id}/metadata", self._add_metadata),
            _build_route("PUT", "volumes/{id}/metadata", self._replace_metadata),
            _build_route("DELETE", "volumes/{id}/metadata/{key}", self._delete_metadata),
            _build_route("GET", "attachments", self._list_attachments),
            _build_route("GET", "attachments/detail", self._list_attachments),
            _build_route("GET", "attachments/{id}", self._show_attachment),
            _build_route("DELETE", "attachments/{id}", self._delete_attachment),
        ]

    async def _list_volumes(self, request: Request) -> Response:
        query = request.query_params
        if read_microversion(request) >= FILTER_MICROVERSION:
            check_filters(query)
        has_details = request.url.path.endswith("/detail")
        volumes = [
            volume for volume in reversed(self._storage.volumes.values()) if matches_filters(volume, query)
        ]
        rows = [
            self._format_volume(each, request) if has_details else format_volume_summary(each)
            for each in volumes
        ]
        return JSONResponse({"volumes": rows})

    async def _create_volume(self, request: Request) -> Response:
        body = await read_object(request, "volume")
        given = {key: value for key, value in body.items() if key not in CONTENT_KEYS or value is not None}
        if read_microversion(request) >= STRICT_MICROVERSION:
            check_keys("volume", given, CREATE_KEYS)
        for key in CONTENT_KEYS & given.keys():
            raise VolumeRefused(f"A volume with a {key} is not supported by this imitation.")
        volume = StoredVolume(
            name=read_text(body.get("name"), "name"),
            size_gib=read_new_size(body),
            volume_type=read_volume_type(body.get("volume_type")),
            metadata=read_metadata({} if body.get("metadata") is None else body["metadata"]),
            description=read_text(body.get("description"), "description"),
        )
        if (zone := body.get("availability_zone") or "nova") != "nova":
            raise VolumeRefused(f"Availability zone '{zone}' is invalid.")
        return JSONResponse({"volume": self._format_volume(self._storage.create(volume), request)}, 202)

    async def _show_volume(self, request: Request) -> Response:
        return JSONResponse({"volume": self._format_volume(self._get_volume(request), request)})

    async def _change_volume(self, request: Request) -> Response:
        body = await read_object(request, "volume")
        check_keys("volume", body, CHANGE_KEYS)
        name, description = (
            read_text(body.get("name"), "name"),
            read_text(body.get("description"), "description"),
        )
        metadata = read_metadata(body["metadata"]) if "metadata" in body else None
        volume = self._get_volume(request)
        volume.name = name if "name" in body else volume.name
        volume.description = description if "description" in body else volume.description
        volume.metadata = volume.metadata if metadata is None else metadata
        return JSONResponse({"volume": self._format_volume(volume, request)})

    async def _delete_volume(self, request: Request) -> Response:
        self._storage.delete(self._get_volume(request))
        return Response(status_code=202)

    async def _run_action(self, request: Request) -> Response:
        body = await read_body(request)
        if len(body) != 1:
            raise VolumeRefused("Malformed request body")
        if "os-extend" not in body:
            raise VolumeRefused(
                f"There is no such action: {next(iter(body))}. Verify the request body and Content-Type header and "
                "try again."
            )
        size = _read_growth(body["os-extend"])
        is_attached_allowed = read_microversion(request) >= ATTACHED_EXTEND_MICROVERSION
        self._storage.extend(self._get_volume(request), size, is_attached_allowed)
        return Response(status_code=202)

    async def _add_metadata(self, request: Request) -> Response:
        metadata = read_metadata(await read_value(request, "metadata"))
        volume = self._get_volume(request)
        volume.metadata |= metadata
        return JSONResponse({"metadata": volume.metadata})

    async def _replace_metadata(self, request: Request) -> Response:
        metadata = read_metadata(await read_value(request, "metadata"))
        volume = self._get_volume(request)
        volume.metadata = metadata
        return JSONResponse({"metadata": volume.metadata})

    async def _delete_metadata(self, request: Request) -> Response:
        volume, key = self._get_volume(request), request.path_params["key"]
        if key not in volume.metadata:
            raise VolumeNotFound(f"Volume {volume.id} has no metadata with key {key}.")
        del volume.metadata[key]
        return Response(status_code=200)

    async def _list_attachments(self, request: Request) -> Response:
        query = request.query_params
        attachments = [
            each
            for each in self._storage.attachments.values()
            if query.get("volume_id", each.volume_id) == each.volume_id
            and query.get("instance_id", each.server_id) == each.server_id
        ]
        has_details = request.url.path.endswith("/detail")
        format_row = format_attachment if has_details else format_attachment_summary
        return JSONResponse({"attachments": [format_row(each) for each in attachments]})

    async def _show_attachment(self, request: Request) -> Response:
        attachment = self._storage.get_attachment(request.path_params["id"])
        return JSONResponse({"attachment": format_attachment(attachment)})

    async def _delete_attachment(self, request: Request) -> Response:
        attachment = self._storage.get_attachment(request.path_params["id"])
        self._storage.delete_attachment(attachment.id, self._is_server_there(attachment.server_id))
        left = self._storage.list_attachments(attachment.volume_id)
        return JSONResponse({"attachments": [format_attachment_summary(each) for each in left]})

    async def _show_limits(self, request: Request) -> Response:
        quota = self._storage.quota
        absolute = {
            "maxTotalVolumes": quota.volumes,
            "maxTotalVolumeGigabytes": quota.gigabytes,
            "totalVolumesUsed": len(self._storage.volumes),
            "totalGigabytesUsed": self._storage.used_gigabytes,
            **{f"maxTotal{name}": limit for name, limit in OTHER_LIMITS.items()},
            **{f"total{name}Used": 0 for name in OTHER_LIMITS},
        }
        return JSONResponse({"limits": {"rate": [], "absolute": absolute}})

    async def _list_messages(self, request: Request) -> Response:
        volume_id = request.query_params.get("resource_uuid")
        rows = [
            format_message(volume, message)
            for volume in self._storage.volumes.values()
            for message in volume.messages
            if volume_id in (None, volume.id)
        ]
        return JSONResponse({"messages": rows})

    def _get_volume(self, request: Request) -> StoredVolume:
        return self._storage.find_volume(request.path_params["id"])

    def _format_volume(self, volume: StoredVolume, request: Request) -> View:
        attachments = self._storage.list_attachments(volume.id)
        return format_volume(volume, attachments, read_microversion(request))


def build_volume_error(error: ApiError) -> Response:
    """Format an error as Cinder does."""
    fault_types = {400: "badRequest", 404: "itemNotFound", 409: "conflictingRequest", 413: "overLimit"}
    fault: dict[str, object] = {"code": error.status, "message": str(error)}
    if error.status == 413:
        fault["retryAfter"] = "0"
    headers = {REQUEST_ID_HEADER: get_request_id(), **({"Retry-After": "0"} if error.status == 413 else {})}
    return JSONResponse({fault_types.get(error.status, "computeFault"): fault}, error.status, headers)


def _build_route(method: str, path: str, endpoint: Endpoint) -> Route:
    return Route(f"{API_PATH}/{path}", check_version(endpoint), methods=[method])


def _read_growth(values: Any) -> int:
    if not isinstance(values, dict):
        raise refuse_value("os-extend", values, f"{values!r} is not of type 'object'")
    if "new_size" not in values:
        raise refuse_value("os-extend", values, "'new_size' is a required property")
    return read_size(values["new_size"], "new_size")


async def _list_types(request: Request) -> Response:
    return JSONResponse({"volume_types": [format_type(each) for each in VOLUME_TYPES]})


async def _show_default_type(request: Request) -> Response:
    return JSONResponse({"volume_type": format_type(DEFAULT_TYPE)})


async def _list_zones(request: Request) -> Response:
    return JSONResponse({"availabilityZoneInfo": [{"zoneName": "nova", "zoneState": {"available": True}}]})


async def _show_type(request: Request) -> Response:
    volume_type = find_volume_type(request.path_params["id"])
    if volume_type is None or volume_type.id != request.path_params["id"]:
        raise VolumeNotFound(f"Volume type {request.path_params['id']} could not be found.")
    return JSONResponse({"volume_type": format_type(volume_type)})


async def _show_versions(request: Request) -> Response:
    version = {
        "id": "v3.0",
        "status": "CURRENT",
        "version": format_microversion(NEWEST),
        "min_version": format_microversion(OLDEST),
        "updated": "2023-08-31T00:00:00Z",
        "links": [{"rel": "self", "href": f"{request.base_url}volume/v3/"}],
    }
    return JSONResponse({"versions": [version]}, 300 if request.url.path == ROOT_PATH else 200)
