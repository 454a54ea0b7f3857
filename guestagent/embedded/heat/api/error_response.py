"""Errors as heat-api's fault middleware returns them."""

from __future__ import annotations

import http

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from guestagent.embedded.http.errors import ApiError

EXPLANATIONS = {
    400: "The server could not comply with the request since it is either malformed or otherwise incorrect.",
    404: "The resource could not be found.",
    409: "There was a conflict when trying to complete your request.",
    500: "The server has either erred or is incapable of performing the requested operation.",
}


def build_heat_error(request: Request, refusal: Exception) -> Response:
    """A refusal in the body that heat-api's fault middleware gives it."""
    assert isinstance(refusal, ApiError)
    return build_error_response(refusal.status, refusal.error_type, str(refusal) or None)


def build_error_response(code: int, kind: str, message: str | None) -> Response:
    """An error of heat-api."""
    return JSONResponse(
        {
            "code": code,
            "title": http.HTTPStatus(code).phrase,
            "explanation": EXPLANATIONS.get(code, ""),
            "error": {"type": kind, "traceback": None, "message": message},
        },
        code,
    )
