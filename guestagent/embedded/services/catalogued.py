"""Glance and Neutron as far as clients look things up there: one image, one network, one subnet."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.compute import (
    IMAGES,
    NETWORK_ID,
    NETWORK_NAME,
    SUBNET_ID,
    SUBNET_NAME,
    Compute,
    Image,
)

Row = Mapping[str, object]


class ImageApi:
    """The image service, below /image."""

    def routes(self) -> list[Route]:
        return [
            Route("/image", self._versions),
            Route("/image/", self._versions),
            Route("/image/versions", self._versions),
            Route("/image/v2/images", self._list),
            Route("/image/v2/images/{id}", self._show),
        ]

    async def _versions(self, request: Request) -> Response:
        links = [{"rel": "self", "href": f"{request.base_url}image/v2/"}]
        return JSONResponse({"versions": [{"id": "v2.9", "status": "CURRENT", "links": links}]}, 300)

    async def _list(self, request: Request) -> Response:
        rows = _matching([_image(image) for image in IMAGES], request)
        return JSONResponse({"images": rows, "schema": "/v2/schemas/images", "first": "/v2/images"})

    async def _show(self, request: Request) -> Response:
        for image in IMAGES:
            if image.id == request.path_params["id"]:
                return JSONResponse(_image(image))
        return Response(f"No image found with ID {request.path_params['id']}", 404)


class NetworkApi:
    """The network service, below /network."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute

    def routes(self) -> list[Route]:
        root = "/network/v2.0"
        return [
            Route("/network", self._versions),
            Route("/network/", self._versions),
            Route(root + "/extensions", self._nothing),
            Route(root + "/{what:str}", self._list),
            Route(root + "/{what:str}/{id}", self._show),
        ]

    async def _versions(self, request: Request) -> Response:
        links = [{"rel": "self", "href": f"{request.base_url}network/v2.0/"}]
        return JSONResponse({"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]}, 300)

    async def _nothing(self, request: Request) -> Response:
        return JSONResponse({"extensions": []})

    async def _list(self, request: Request) -> Response:
        what = request.path_params["what"]
        return JSONResponse({what.replace("-", "_"): _matching(self._rows(what), request)})

    async def _show(self, request: Request) -> Response:
        what = request.path_params["what"]
        for row in self._rows(what):
            if row["id"] == request.path_params["id"]:
                return JSONResponse({what.replace("-", "_").removesuffix("s"): row})
        return JSONResponse({"NeutronError": {"type": "NotFound", "message": f"{what} not found"}}, 404)

    def _rows(self, what: str) -> list[Row]:
        network: Row = {
            "id": NETWORK_ID,
            "name": NETWORK_NAME,
            "subnets": [SUBNET_ID],
            "status": "ACTIVE",
            "admin_state_up": True,
            "shared": True,
            "router:external": False,
        }
        subnet: Row = {
            "id": SUBNET_ID,
            "name": SUBNET_NAME,
            "network_id": NETWORK_ID,
            "cidr": str(self._compute.network),
            "ip_version": 4,
            "gateway_ip": self._compute.gateway,
            "enable_dhcp": False,
        }
        return {"networks": [network], "subnets": [subnet]}.get(what, [])


def _image(image: Image) -> Row:
    return {
        "id": image.id,
        "name": image.name,
        "status": "active",
        "visibility": "public",
        "min_ram": 0,
        "min_disk": 0,
        "size": 1,
        "container_format": "bare",
        "disk_format": "qcow2",
        "tags": [],
        "protected": False,
        "schema": "/v2/schemas/image",
    }


def _matching(rows: list[Row], request: Request) -> list[Row]:
    asked = request.query_params
    if asked.get("marker"):
        return []
    return [row for row in rows if all(str(row.get(key)) == asked[key] for key in asked if key in row)]
