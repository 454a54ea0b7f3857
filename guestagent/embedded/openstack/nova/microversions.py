"""Nova's microversions: which one a request asks for, and what becomes of one that Nova does not have."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guestagent.embedded.http.microversion import Microversion, format_microversion, parse_microversion
from guestagent.embedded.openstack.nova.fault_response import build_fault

MINIMUM, MAXIMUM = (2, 1), (2, 93)
BODY_LIMIT = 114_688
"""The most bytes of a request's body."""
API_PREFIX = "/v2.1/"
HEADERS = ("OpenStack-API-Version", "X-OpenStack-Nova-API-Version")


def read_microversion(request: Request) -> Microversion:
    """Return the microversion of a request that the middleware has let through."""
    text = _find_version_text(request)
    if text == "latest":
        return MAXIMUM
    return parse_microversion(text) or MINIMUM


class MicroversionMiddleware:
    """An ASGI application in front of Nova. It refuses other versions, and bodies that are too long."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(API_PREFIX):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        refusal = _find_refusal(request)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        version = format_microversion(read_microversion(request)).encode()

        async def send_with_version(message: Message) -> None:
            if message["type"] == "http.response.start":
                versions = (
                    (b"openstack-api-version", b"compute " + version),
                    (HEADERS[1].lower().encode(), version),
                )
                message["headers"] = [*message.get("headers", ()), *versions]
            await send(message)

        await self._app(scope, receive, send_with_version)


def _find_refusal(request: Request) -> Response | None:
    if int(request.headers.get("Content-Length") or 0) > BODY_LIMIT:
        return JSONResponse(
            {"message": f"Request is too large. Larger than max_request_body_size ({BODY_LIMIT})."}, 413
        )
    text = _find_version_text(request)
    version = parse_microversion(text)
    if text in {"", "latest"}:
        return None
    if version is None:
        message = f"API Version String {text} is of invalid format. Must be of format MajorNum.MinorNum."
        return build_fault(400, "badRequest", message)
    if not MINIMUM <= version <= MAXIMUM:
        limits = f"Minimum is {format_microversion(MINIMUM)} and maximum is {format_microversion(MAXIMUM)}."
        return build_fault(406, "computeFault", f"Version {text} is not supported by the API. {limits}")
    return None


def _find_version_text(request: Request) -> str:
    """Return the version that a request names for compute, or ""."""
    for name in HEADERS:
        for value in request.headers.get(name, "").split(","):
            service, _, version = value.strip().rpartition(" ")
            if version and service in {"compute", ""}:
                return version
    return ""
