"""What Heat answers when it does not do what was asked: its own types, texts and HTTP codes (Heat 19)."""

from __future__ import annotations

from collections.abc import Sequence
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


class StackValidationFailed(ApiError):
    """A template that makes no sense. Text: `error: path: message`, each where there is one."""

    def __init__(self, message: str, path: str = "", error: str = "") -> None:
        super().__init__(": ".join(part for part in (error, path, message) if part))


class InvalidTemplateVersion(ApiError):
    """No version key in a template, or one that Heat does not know."""


class CircularDependencyException(ApiError):
    """Resources that wait for each other."""

    status = 500


class UserParameterMissing(ApiError):
    """A parameter without a default was not given."""


class UnknownUserParameter(ApiError):
    """A parameter was given that the template does not have."""


class ImmutableParameterModified(ApiError):
    """An update gives another value to a parameter that may not have one."""

    def __init__(self, names: Sequence[str]) -> None:
        keys = ", ".join(names)
        super().__init__(f"The following parameters are immutable and may not be updated: {keys}")


class InvalidSchemaError(ApiError):
    """A parameter whose declaration makes no sense."""


class ResourcePropertyConflict(ApiError):
    """Properties that exclude each other."""

    def __init__(self, *properties: str) -> None:
        super().__init__(f"Cannot define the following properties at the same time: {', '.join(properties)}.")


class Forbidden(ApiError):
    """Something that the caller's role may not do, or a resource that is not its own."""

    status = 403

    def __init__(self, action: str = "this action") -> None:
        super().__init__(f"You are not authorized to use {action}.")


class ResourceActionNotSupported(ApiError):
    """A resource that takes no signals was signalled."""

    def __init__(self, action: str) -> None:
        super().__init__(f"{action} is not supported for resource.")


class HTTPForbidden(ApiError):
    """Another project's address."""

    status = 403

    def __init__(self) -> None:
        super().__init__("Access was denied to this resource.")


class RequestLimitExceeded(ApiError):
    """A template that is too long, or has too many resources."""


class NotSupported(ApiError):
    """Something that Heat, or this imitation of it, does not do."""


class StackExists(ApiError):
    """A stack of that name is there already."""

    status = 409


class EntityNotFound(ApiError):
    """No such stack."""

    status = 404


class NotFound(ApiError):
    """No such thing inside a stack."""

    status = 404


class ResourceNotFound(EntityNotFound):
    """No such resource in the stack."""


class InvalidTemplateReference(ApiError):
    """A name in a template that stands for nothing."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__(f'The specified reference "{name}" (in {where}) is incorrect.')


class InvalidTemplateAttribute(ApiError):
    """An attribute that the resource's type does not have."""

    def __init__(self, resource: str, attribute: str) -> None:
        super().__init__(f"The Referenced Attribute ({resource} {attribute}) is incorrect.")


class HTTPBadRequest(ApiError):
    """A body or a parameter that cannot be read; without a text, one that Heat has no words for."""

    def __init__(self, message: str = MALFORMED_MESSAGE) -> None:
        super().__init__(message)


class FlagUnreadable(ApiError):
    """A flag in a body that is neither true nor false: Heat lets its ValueError out, and says nothing."""

    error_type = "ValueError"


class ResourceFailure(Exception):
    """A resource could not be made, changed or removed. `kind` is the class that Heat would have raised."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.error_type = kind
