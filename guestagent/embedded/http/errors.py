"""Errors of the services' APIs: types, texts and HTTP codes are Heat 19's."""

from __future__ import annotations

from typing import ClassVar

MALFORMED_MESSAGE = (
    "The server could not comply with the request since it is either malformed or otherwise incorrect."
)


class ApiError(Exception):
    """A request that Heat refuses. The class's name is the `type` in the answer's body."""

    status: ClassVar[int] = 400

    @property
    def error_type(self) -> str:
        return type(self).__name__


class Forbidden(ApiError):
    """Something that the caller's role may not do, or a resource that is not its own."""

    status = 403

    def __init__(self, action: str = "this action") -> None:
        super().__init__(f"You are not authorized to use {action}.")


class HTTPForbidden(ApiError):
    """Another project's address."""

    status = 403

    def __init__(self) -> None:
        super().__init__("Access was denied to this resource.")


class NotSupported(ApiError):
    """Something that Heat, or this imitation of it, does not do."""


class EntityNotFound(ApiError):
    """No such stack."""

    status = 404


class NotFound(ApiError):
    """No such thing inside a stack."""

    status = 404


class HTTPBadRequest(ApiError):
    """A body or a parameter that cannot be read; without a text, one that Heat has no words for."""

    def __init__(self, message: str = MALFORMED_MESSAGE) -> None:
        super().__init__(message)


class ResourceFailure(Exception):
    """A resource could not be made, changed or removed. `kind` is the class that Heat would have raised."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.error_type = kind
