"""Nova's API for key pairs: public keys by name."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.openstack.nova.fault_response import build_fault
from guestagent.embedded.openstack.nova.servers import Compute


class KeypairApi:
    """The routes of key pairs."""

    def __init__(self, compute: Compute) -> None:
        self._compute = compute

    def build_routes(self, root_path: str) -> list[Route]:
        path = root_path + "/os-keypairs"
        return [
            Route(path, self._list_keypairs),
            Route(path, self._create_keypair, methods=["POST"]),
            Route(path + "/{name}", self._handle_keypair, methods=["GET", "DELETE"]),
        ]

    async def _list_keypairs(self, request: Request) -> Response:
        return JSONResponse(
            {"keypairs": [{"keypair": self._format_keypair(name)} for name in self._compute.public_keys]}
        )

    async def _create_keypair(self, request: Request) -> Response:
        try:
            body = (await request.json())["keypair"]
            self._compute.public_keys[str(body["name"])] = str(body.get("public_key", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            return build_fault(400, "badRequest", "Malformed request body")
        return JSONResponse({"keypair": self._format_keypair(str(body["name"]))}, 201)

    async def _handle_keypair(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._compute.public_keys:
            return build_fault(404, "itemNotFound", f"Keypair {name} not found")
        if request.method == "DELETE":
            del self._compute.public_keys[name]
            return Response(status_code=202)
        return JSONResponse({"keypair": self._format_keypair(name)})

    def _format_keypair(self, name: str) -> dict[str, object]:
        return {"name": name, "public_key": self._compute.public_keys[name], "fingerprint": "", "type": "ssh"}
