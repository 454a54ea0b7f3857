"""Errors of the services' APIs: types, texts and HTTP codes are Heat 19's."""

from __future__ import annotations

from typing import ClassVar

MALFORMED_MESSAGE = (
    "The server could not comply with the request since it is either malformed or otherwise incorrect."
)


class ApiError(Exception):
    """A request that an API rejects. The class's name is the `type` in the body of Heat's response."""

    status: ClassVar[int] = 400

    @property
    def error_type(self) -> str:
        return type(self).__name__


class Forbidden(ApiError):
    """An action that the caller's role does not allow, or a resource that is not its own."""

    status = 403

    def __init__(self, action: str = "this action") -> None:
        super().__init__(f"You are not authorized to use {action}.")


class HTTPForbidden(ApiError):
    """The address of another project."""

    status = 403

    def __init__(self) -> None:
        super().__init__("Access was denied to this resource.")


class NotSupported(ApiError):
    """A feature that Heat, or this imitation of it, does not have."""


class EntityNotFound(ApiError):
    """No such stack."""

    status = 404


class NotFound(ApiError):
    """No such object inside a stack."""

    status = 404


class HTTPBadRequest(ApiError):
    """A body or a parameter that cannot be read; without a message, one for which Heat has none."""

    def __init__(self, message: str = MALFORMED_MESSAGE) -> None:
        super().__init__(message)


class ResourceFailure(Exception):
    """A resource could not be created, changed or deleted. `error_type` is the class that Heat would have raised."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type
