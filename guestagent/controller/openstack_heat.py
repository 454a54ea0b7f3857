"""Heat over openstacksdk's orchestration adapter.

The requests are plain REST, because the SDK's own calls resolve outputs, which can break a stack in progress.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guestagent.controller.heat_api import CONDITION_TYPE_FILTER, NO_PARAMETERS, Resource, Stack
from guestagent.controller.openstack_session import (
    RETRYABLE_STATUSES,
    Connection,
    find_public_endpoint,
    open_connection,
    send_request,
)
from guestagent.controller.request_limits import REQUEST_TIMEOUT_S
from guestagent.errors import CloudError, CloudRefused, CloudUnreachable
from guestagent.http_time_limit import limit_connections
from guestagent.secret import Secret, mask_secrets

NOT_FOUND = 404
# Heat 19 returns 500 for this, although the template can never work.
PERMANENT_ERROR_TYPES = frozenset({"CircularDependencyException"})


def open_heat(cloud: str | None = None) -> OpenStackHeat:
    """Return the Heat of a cloud in clouds.yaml; None: of OS_CLOUD, or of the other OS_ variables."""
    return OpenStackHeat(open_connection(cloud))


class OpenStackHeat:
    """The requests of `Heat`. The first of them connects to the cloud. `timeout` is for each request, in seconds."""

    def __init__(self, connection: Connection, timeout: float = REQUEST_TIMEOUT_S) -> None:
        self._connection, self._timeout = connection, timeout
        limit_connections(connection.session.session)

    @property
    def connection(self) -> Connection:
        return self._connection

    def stacks(self, *names: str) -> tuple[Stack, ...]:
        response_body = self._request_json(
            "GET", "/stacks", "listing stacks", params=[("name", name) for name in names]
        )
        return tuple(_build_stack(entry) for entry in response_body["stacks"])

    def resources(self, stack: Stack) -> tuple[Resource, ...]:
        return self._list_resources(stack, [("type", CONDITION_TYPE_FILTER)])

    def all_resources(self, stack: Stack) -> tuple[Resource, ...]:
        return self._list_resources(stack, [])

    def detailed(self, stack: Stack) -> tuple[Resource, ...]:
        return self._list_resources(stack, [("type", CONDITION_TYPE_FILTER), ("with_detail", "true")])

    def outputs(self, stack: Stack) -> Mapping[str, object]:
        response_body = self._request_json(
            "GET", _stack_path(stack), f"reading the outputs of stack {stack.name}"
        )
        outputs = response_body["stack"].get("outputs") or []
        return {output["output_key"]: output.get("output_value") for output in outputs}

    def template(self, stack: Stack) -> object:
        return self._request_json(
            "GET", f"{_stack_path(stack)}/template", f"reading the template of stack {stack.name}"
        )

    def create(
        self,
        name: str,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> str:
        body = {"stack_name": name, **_build_change(template, timeout_minutes)}
        response_body = self._request_json(
            "POST", "/stacks", f"launching stack {name}", parameters=parameters, json=body
        )
        return str(response_body["stack"]["id"])

    def update(
        self,
        stack: Stack,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> None:
        """Update with PATCH if the template has parameters: after a PUT Heat demands all of them again."""
        body, action = _build_change(template, timeout_minutes), f"updating stack {stack.name}"
        method = "PATCH" if template.keys() & {"Parameters", "parameters"} else "PUT"
        self._request(method, _stack_path(stack), action, parameters=parameters, json=body)

    def delete(self, stack: Stack) -> None:
        self._request("DELETE", _stack_path(stack), f"deleting stack {stack.name}", accepted_status=NOT_FOUND)

    def mark_resource(self, stack: Stack, name: str, reason: str, *, is_unhealthy: bool) -> None:
        body = {"mark_unhealthy": is_unhealthy, "resource_status_reason": reason}
        path, action = f"{_stack_path(stack)}/resources/{name}", f"marking {name} of stack {stack.name}"
        self._request("PATCH", path, action, json=body)

    def validate(self, template: Mapping[str, Any]) -> None:
        self._request("POST", "/validate", "validating the template", json={"template": template})

    def metadata_url(self) -> str | None:
        """Return the public address, because the guests use it, with the slash that os-collect-config needs."""
        url = find_public_endpoint(self._connection, "cloudformation", self._timeout)
        return None if url is None else f"{url.rstrip('/')}/"

    def heat_url(self) -> str | None:
        return find_public_endpoint(self._connection, "orchestration", self._timeout)

    def resource_types(self) -> frozenset[str]:
        response_body = self._request_json("GET", "/resource_types", "listing the resource types")
        return frozenset(str(entry) for entry in response_body["resource_types"])

    def template_versions(self) -> frozenset[str]:
        response_body = self._request_json("GET", "/template_versions", "listing the template versions")
        return frozenset(str(entry["version"]) for entry in response_body["template_versions"])

    def _list_resources(self, stack: Stack, params: list[tuple[str, str]]) -> tuple[Resource, ...]:
        action = f"listing the resources of stack {stack.name}"
        response_body = self._request_json("GET", f"{_stack_path(stack)}/resources", action, params=params)
        return tuple(_build_resource(entry) for entry in response_body["resources"])

    def _request_json(self, method: str, path: str, action: str, **request: Any) -> Any:
        try:
            return self._request(method, path, action, **request).json()
        except ValueError as error:
            raise CloudUnreachable(f"{action}: the response is incomplete, or not Heat's") from error

    def _request(
        self,
        method: str,
        path: str,
        action: str,
        accepted_status: int = 0,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
        **request: Any,
    ) -> Any:
        """Return the response. The caller repeats a request, if that is safe.

        If there are `parameters` of the stack, the library does not log the request, and Heat's error is shown without
        them.
        """
        if parameters:
            revealed = {name: value.reveal() for name, value in parameters.items()}
            request = {"log": False, **request, "json": {**request["json"], "parameters": revealed}}
        response = send_request(
            self._connection, "orchestration", method, path, action, self._timeout, **request
        )
        if response.status_code >= 400 and response.status_code != accepted_status:
            raise _build_error(response, action, *parameters.values())
        return response


def _build_stack(entry: Mapping[str, Any]) -> Stack:
    return Stack(
        id=str(entry["id"]),
        name=str(entry["stack_name"]),
        status=str(entry["stack_status"]),
        reason=str(entry.get("stack_status_reason") or ""),
        updated=str(entry.get("updated_time") or ""),
    )


def _build_resource(entry: Mapping[str, Any]) -> Resource:
    return Resource(
        name=str(entry["resource_name"]),
        status=str(entry["resource_status"]),
        reason=str(entry.get("resource_status_reason") or ""),
        attributes=entry.get("attributes") or {},
        id=str(entry.get("physical_resource_id") or ""),
        type=str(entry.get("resource_type") or ""),
    )


def _stack_path(stack: Stack) -> str:
    return f"/stacks/{stack.name}/{stack.id}"


def _build_change(template: Mapping[str, Any], timeout_minutes: int) -> dict[str, Any]:
    """Build the body of a change. A rollback would delete the nodes that are ready, so it is disabled."""
    return {"template": template, "timeout_mins": timeout_minutes, "disable_rollback": True}


def _build_error(response: Any, action: str, *parameters: Secret) -> CloudError:
    """Return the error for a response of 400 or more, with Heat's message but without secrets."""
    try:
        body = response.json()
    except ValueError:
        body = None
    error = body.get("error") if isinstance(body, dict) else None
    heat_error = error if isinstance(error, dict) else {}
    reason = str(heat_error.get("message") or response.reason or "no reason given").strip()
    message = f"{action}: Heat returned {response.status_code}: {mask_secrets(reason, *parameters)}"
    if response.status_code in RETRYABLE_STATUSES and heat_error.get("type") not in PERMANENT_ERROR_TYPES:
        return CloudUnreachable(message)
    return CloudRefused(message)
