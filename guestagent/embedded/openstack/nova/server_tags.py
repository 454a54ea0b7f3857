"""Nova's API for the tags of a server."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.http.errors import EntityNotFound, HTTPBadRequest
from guestagent.embedded.openstack.nova.compute_server import ComputeServer, require_vm_state
from guestagent.embedded.openstack.nova.request_checks import (
    TAGS_LIMIT,
    check_tags,
    find_tag_problem,
    read_json,
)
from guestagent.embedded.openstack.nova.servers import Compute


class ServerTagApi:
    """The routes of tags below one server."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute

    def build_routes(self, server_path: str) -> list[Route]:
        path = server_path + "/tags"
        return [
            Route(path, self._list_tags),
            Route(path, self._replace_tags, methods=["PUT"]),
            Route(path, self._delete_tags, methods=["DELETE"]),
            Route(path + "/{tag}", self._show_tag),
            Route(path + "/{tag}", self._add_tag, methods=["PUT"]),
            Route(path + "/{tag}", self._delete_tag, methods=["DELETE"]),
        ]

    async def _list_tags(self, request: Request) -> Response:
        return JSONResponse({"tags": sorted(self._get_server(request).tags)})

    async def _replace_tags(self, request: Request) -> Response:
        server, body = self._get_server(request), await read_json(request)
        require_vm_state("update tags", server)
        tags = body.get("tags", []) if isinstance(body, dict) else []
        check_tags(tags)
        server.tags = tuple(tags)
        return JSONResponse({"tags": sorted(server.tags)})

    async def _delete_tags(self, request: Request) -> Response:
        server = self._get_server(request)
        require_vm_state("delete tags", server)
        server.tags = ()
        return Response(status_code=204)

    async def _show_tag(self, request: Request) -> Response:
        server, tag = self._get_server(request), request.path_params["tag"]
        if tag not in server.tags:
            raise EntityNotFound(f"Server {server.id} has no tag '{tag}'")
        return Response(status_code=204)

    async def _add_tag(self, request: Request) -> Response:
        server, tag = self._get_server(request), request.path_params["tag"]
        require_vm_state("update tag", server)
        if problem := find_tag_problem(tag):
            raise HTTPBadRequest(
                f"Tag '{tag}' is invalid. It must be a non empty string without characters '/' and ','. "
                f"Validation error message: {problem}"
            )
        if len(server.tags) >= TAGS_LIMIT:
            raise HTTPBadRequest(f"The number of tags exceeded the per-server limit {TAGS_LIMIT}")
        if tag in server.tags:
            return Response(status_code=204)
        server.tags = (*server.tags, tag)
        return Response(status_code=201, headers={"Location": str(request.url)})

    async def _delete_tag(self, request: Request) -> Response:
        server, tag = self._get_server(request), request.path_params["tag"]
        require_vm_state("delete tag", server)
        if tag not in server.tags:
            raise EntityNotFound(f"Instance {server.id} has no tag '{tag}'")
        server.tags = tuple(each for each in server.tags if each != tag)
        return Response(status_code=204)

    def _get_server(self, request: Request) -> ComputeServer:
        return self._compute.get_server(request.path_params["id"])
