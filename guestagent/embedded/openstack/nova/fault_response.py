"""The form of Nova's errors."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response


def build_fault(status_code: int, fault_type: str, message: str) -> Response:
    """Build the response for an error: `fault_type` is the key of its body."""
    return JSONResponse({fault_type: {"code": status_code, "message": message}}, status_code)
