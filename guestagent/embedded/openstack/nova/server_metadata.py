"""Nova's API for the metadata of a server."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.http.errors import EntityNotFound, HTTPBadRequest
from guestagent.embedded.openstack.nova.compute_server import (
    ComputeServer,
    require_unlocked,
    require_vm_state,
)
from guestagent.embedded.openstack.nova.metadata_rules import check_metadata
from guestagent.embedded.openstack.nova.request_checks import read_object
from guestagent.embedded.openstack.nova.servers import Compute


class ServerMetadataApi:
    """The routes of metadata below one server."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute

    def build_routes(self, server_path: str) -> list[Route]:
        path = server_path + "/metadata"
        return [
            Route(path, self._show_metadata),
            Route(path, self._add_metadata, methods=["POST"]),
            Route(path, self._replace_metadata, methods=["PUT"]),
            Route(path + "/{key}", self._show_item),
            Route(path + "/{key}", self._set_item, methods=["PUT"]),
            Route(path + "/{key}", self._delete_item, methods=["DELETE"]),
        ]

    async def _show_metadata(self, request: Request) -> Response:
        return JSONResponse({"metadata": self._get_server(request).metadata})

    async def _add_metadata(self, request: Request) -> Response:
        metadata = await read_object(request, "metadata")
        return self._set(request, {**self._get_server(request).metadata, **metadata})

    async def _replace_metadata(self, request: Request) -> Response:
        return self._set(request, await read_object(request, "metadata"))

    async def _show_item(self, request: Request) -> Response:
        server, key = self._get_server(request), _require_key(self._get_server(request), request)
        return JSONResponse({"meta": {key: server.metadata[key]}})

    async def _set_item(self, request: Request) -> Response:
        item = await read_object(request, "meta")
        if [*item] != [request.path_params["key"]]:
            raise HTTPBadRequest("Request body and URI mismatch")
        self._set(request, {**self._get_server(request).metadata, **item})
        return JSONResponse({"meta": item})

    async def _delete_item(self, request: Request) -> Response:
        server = self._get_server(request)
        key = _require_key(server, request)
        require_unlocked(server)
        require_vm_state("delete metadata", server)
        del server.metadata[key]
        return Response(status_code=204)

    def _set(self, request: Request, metadata: dict[str, Any]) -> Response:
        server = self._get_server(request)
        accepted = check_metadata(metadata)
        require_unlocked(server)
        require_vm_state("update metadata", server)
        server.metadata = dict(accepted)
        return JSONResponse({"metadata": server.metadata})

    def _get_server(self, request: Request) -> ComputeServer:
        return self._compute.get_server(request.path_params["id"])


def _require_key(server: ComputeServer, request: Request) -> str:
    key = str(request.path_params["key"])
    if key not in server.metadata:
        raise EntityNotFound("Metadata item was not found")
    return key
