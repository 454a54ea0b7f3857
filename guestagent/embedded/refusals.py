"""What Heat answers when it does not do what was asked: its own types, texts and HTTP codes (Heat 19)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

MALFORMED = (
    "The server could not comply with the request since it is either malformed or otherwise incorrect."
)


class Refusal(Exception):
    """A request that Heat refuses. The class's name is the `type` in the answer's body."""

    status: ClassVar[int] = 400

    @property
    def kind(self) -> str:
        return type(self).__name__


class StackValidationFailed(Refusal):
    """A template that makes no sense. Text: `error: path: message`, each where there is one."""

    def __init__(self, message: str, path: str = "", error: str = "") -> None:
        super().__init__(": ".join(part for part in (error, path, message) if part))


class InvalidTemplateVersion(Refusal):
    """No version key in a template, or one that Heat does not know."""


class CircularDependencyException(Refusal):
    """Resources that wait for each other."""

    status = 500


class UserParameterMissing(Refusal):
    """A parameter without a default was not given."""


class UnknownUserParameter(Refusal):
    """A parameter was given that the template does not have."""


class ImmutableParameterModified(Refusal):
    """An update gives another value to a parameter that may not have one."""

    def __init__(self, names: Sequence[str]) -> None:
        keys = ", ".join(names)
        super().__init__(f"The following parameters are immutable and may not be updated: {keys}")


class InvalidSchemaError(Refusal):
    """A parameter whose declaration makes no sense."""


class ResourcePropertyConflict(Refusal):
    """Properties that exclude each other."""

    def __init__(self, *properties: str) -> None:
        super().__init__(f"Cannot define the following properties at the same time: {', '.join(properties)}.")


class Forbidden(Refusal):
    """Something that the caller's role may not do, or a resource that is not its own."""

    status = 403

    def __init__(self, action: str = "this action") -> None:
        super().__init__(f"You are not authorized to use {action}.")


class ResourceActionNotSupported(Refusal):
    """A resource that takes no signals was signalled."""

    def __init__(self, action: str) -> None:
        super().__init__(f"{action} is not supported for resource.")


class HTTPForbidden(Refusal):
    """Another project's address."""

    status = 403

    def __init__(self) -> None:
        super().__init__("Access was denied to this resource.")


class RequestLimitExceeded(Refusal):
    """A template that is too long, or has too many resources."""


class NotSupported(Refusal):
    """Something that Heat, or this imitation of it, does not do."""


class StackExists(Refusal):
    """A stack of that name is there already."""

    status = 409


class EntityNotFound(Refusal):
    """No such stack."""

    status = 404


class NotFound(Refusal):
    """No such thing inside a stack."""

    status = 404


class ResourceNotFound(EntityNotFound):
    """No such resource in the stack."""


class InvalidTemplateReference(Refusal):
    """A name in a template that stands for nothing."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__(f'The specified reference "{name}" (in {where}) is incorrect.')


class InvalidTemplateAttribute(Refusal):
    """An attribute that the resource's type does not have."""

    def __init__(self, resource: str, attribute: str) -> None:
        super().__init__(f"The Referenced Attribute ({resource} {attribute}) is incorrect.")


class HTTPBadRequest(Refusal):
    """A body or a parameter that cannot be read; without a text, one that Heat has no words for."""

    def __init__(self, message: str = MALFORMED) -> None:
        super().__init__(message)


class FlagUnreadable(Refusal):
    """A flag in a body that is neither true nor false: Heat lets its ValueError out, and says nothing."""

    kind = "ValueError"


class ResourceFailure(Exception):
    """A resource could not be made, changed or removed. `kind` is the class that Heat would have raised."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
