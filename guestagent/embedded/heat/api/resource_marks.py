"""Resources that a client calls unhealthy: the next update replaces them. As heat-api and its engine do it."""

from __future__ import annotations

from collections.abc import Mapping

from guestagent.embedded.heat.api.stack_requests import FLAG_WORDS
from guestagent.embedded.heat.errors import ActionInProgress
from guestagent.embedded.heat.resources.stack import CHECK, COMPLETE, DELETE, FAILED, HeatStack, StackResource
from guestagent.embedded.http.errors import HTTPBadRequest

DEFAULT_REASON = "state changed by resource_mark_unhealthy api"
MARK_KEY = "mark_unhealthy"
KEYS = frozenset({MARK_KEY, "resource_status_reason"})


def mark_resource(stack: HeatStack, resource: StackResource, body: Mapping[str, object]) -> None:
    """Mark a resource unhealthy, or take that back. Raise ActionInProgress while Heat works on the resource."""
    is_unhealthy = _read_mark(body)
    if stack.locks[resource.name].locked():
        raise ActionInProgress(f"Stack {stack.name} already has an action ({stack.action}) in progress.")
    reason = str(body.get("resource_status_reason") or DEFAULT_REASON)
    if is_unhealthy and resource.action != DELETE:
        stack.set_resource_state(resource, CHECK, FAILED, reason)
    elif not is_unhealthy and (resource.action, resource.status) == (CHECK, FAILED):
        stack.set_resource_state(resource, CHECK, COMPLETE, reason)


def _read_mark(body: Mapping[str, object]) -> bool:
    if unknown_keys := set(body) - KEYS:
        raise HTTPBadRequest(f"Invalid keys in resource mark unhealthy {unknown_keys}")
    if MARK_KEY not in body:
        raise HTTPBadRequest(f"Missing mandatory ({MARK_KEY}) key from mark unhealthy request")
    value = body[MARK_KEY]
    if str(value).lower() not in FLAG_WORDS:
        message = f'Unrecognized value "{value}" for "{MARK_KEY}", acceptable values are: true, false'
        raise HTTPBadRequest(message)
    return FLAG_WORDS[str(value).lower()]
