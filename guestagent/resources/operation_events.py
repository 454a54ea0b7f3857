"""The lines of a cluster's history about its operations, the same for every engine. Pure."""

from __future__ import annotations

from guestagent.resources.operation import Operation, OperationState


def describe_start(operation: Operation) -> str:
    """Return the line for the beginning of an operation."""
    return f"{_name(operation)} begins"


def describe_end(operation: Operation) -> str:
    """Return the line for the end of an operation, with the reason of one that failed."""
    text = f"{_name(operation)} is {operation.state}"
    if operation.state is OperationState.FAILED and operation.refusal is not None:
        return f"{text} ({operation.refusal.code}): {operation.refusal.message}"
    return text


def _name(operation: Operation) -> str:
    return f"{operation.kind} (request {operation.request_id})"
