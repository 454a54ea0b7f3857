"""Errors of stacks and of requests about them, with the types and texts of Heat 19."""

from __future__ import annotations

from guestagent.embedded.http.errors import ApiError, EntityNotFound


class CircularDependencyException(ApiError):
    """Resources that wait for each other."""

    status = 500


class StackExists(ApiError):
    """A stack of that name exists already."""

    status = 409


class ActionInProgress(ApiError):
    """A request for what Heat works on."""

    status = 409


class ResourceNotFound(EntityNotFound):
    """No such resource in the stack."""


class FlagUnreadable(ApiError):
    """A flag in a body that is neither true nor false: Heat does not catch its ValueError, and explains nothing."""

    error_type = "ValueError"
