"""Glance as far as clients and Heat look images up there."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.openstack.glance.images import IMAGES, Image

ImageRow = dict[str, object]


class ImageApi:
    """The image service, below /image."""

    def build_routes(self) -> list[Route]:
        return [
            Route("/image", self._versions),
            Route("/image/", self._versions),
            Route("/image/versions", self._versions),
            Route("/image/v2/schemas/image", self._schema),
            Route("/image/v2/images", self._list),
            Route("/image/v2/images/{id}", self._show),
        ]

    async def _versions(self, request: Request) -> Response:
        links = [{"rel": "self", "href": f"{request.base_url}image/v2/"}]
        return JSONResponse({"versions": [{"id": "v2.9", "status": "CURRENT", "links": links}]}, 300)

    async def _schema(self, request: Request) -> Response:
        """What glanceclient makes its objects from, before anything else."""
        anything = {"type": ["null", "string", "integer", "boolean", "array"]}
        properties = dict.fromkeys(_view(IMAGES[0]), anything)
        return JSONResponse({"name": "image", "properties": properties, "additionalProperties": anything})

    async def _list(self, request: Request) -> Response:
        asked = request.query_params
        rows = [] if asked.get("marker") else [_view(image) for image in IMAGES]
        rows = [row for row in rows if all(str(row[key]) == asked[key] for key in asked if key in row)]
        return JSONResponse({"images": rows, "schema": "/v2/schemas/images", "first": "/v2/images"})

    async def _show(self, request: Request) -> Response:
        for image in IMAGES:
            if image.id == request.path_params["id"]:
                return JSONResponse(_view(image))
        return Response(f"No image found with ID {request.path_params['id']}", 404)


def _view(image: Image) -> ImageRow:
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
