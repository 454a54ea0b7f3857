"""Errors in a template, its parameters or its properties, with the types and texts of Heat 19."""

from __future__ import annotations

from collections.abc import Sequence

from guestagent.embedded.http.errors import ApiError


class StackValidationFailed(ApiError):
    """A template that makes no sense. Text: `error: path: message`, without the parts that are not known."""

    def __init__(self, message: str, path: str = "", error: str = "") -> None:
        super().__init__(": ".join(part for part in (error, path, message) if part))


class InvalidTemplateVersion(ApiError):
    """No version key in a template, or one that Heat does not know."""


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


class InvalidTemplateReference(ApiError):
    """A name in a template that stands for nothing."""

    def __init__(self, name: str, where: str) -> None:
        super().__init__(f'The specified reference "{name}" (in {where}) is incorrect.')


class InvalidTemplateAttribute(ApiError):
    """An attribute that the resource's type does not have."""

    def __init__(self, resource: str, attribute: str) -> None:
        super().__init__(f"The Referenced Attribute ({resource} {attribute}) is incorrect.")


class RequestLimitExceeded(ApiError):
    """A template that is too long, or has too many resources."""
