"""Glance's API: enough for clients and Heat to find images."""

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
            Route("/image", self._show_versions),
            Route("/image/", self._show_versions),
            Route("/image/versions", self._show_versions),
            Route("/image/v2/schemas/image", self._show_schema),
            Route("/image/v2/images", self._list_images),
            Route("/image/v2/images/{id}", self._show_image),
        ]

    async def _show_versions(self, request: Request) -> Response:
        links = [{"rel": "self", "href": f"{request.base_url}image/v2/"}]
        return JSONResponse({"versions": [{"id": "v2.9", "status": "CURRENT", "links": links}]}, 300)

    async def _show_schema(self, request: Request) -> Response:
        """Show the schema from which glanceclient builds its objects first of all."""
        anything = {"type": ["null", "string", "integer", "boolean", "array"]}
        properties = dict.fromkeys(_format_image(IMAGES[0]), anything)
        return JSONResponse({"name": "image", "properties": properties, "additionalProperties": anything})

    async def _list_images(self, request: Request) -> Response:
        query = request.query_params
        rows = [_format_image(image) for image in IMAGES]
        rows = [row for row in rows if all(str(row[key]) == query[key] for key in query if key in row)]
        return JSONResponse({"images": rows, "schema": "/v2/schemas/images", "first": "/v2/images"})

    async def _show_image(self, request: Request) -> Response:
        for image in IMAGES:
            if image.id == request.path_params["id"]:
                return JSONResponse(_format_image(image))
        return Response(f"No image found with ID {request.path_params['id']}", 404)


def _format_image(image: Image) -> ImageRow:
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
