"""Heat over openstacksdk's orchestration adapter: the only file that imports it.

The requests are plain REST, for the SDK's own calls resolve outputs and so endanger a stack in progress. Every
error of the SDK becomes one of ours here.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import openstack
from keystoneauth1 import exceptions as keystone
from openstack.config import OpenStackConfig
from openstack.connection import Connection
from openstack.exceptions import ConfigException, SDKException

from guestagent import __version__
from guestagent.controller.heat_api import CONDITION_TYPE_FILTER, NO_PARAMETERS, Resource, Stack
from guestagent.errors import CloudError, CloudRefused, CloudUnreachable
from guestagent.http_time_limit import limit_connections, limit_http_time
from guestagent.secret import Secret, mask_secrets
from guestagent.time_limit import TimeLimitExceeded

REQUEST_TIMEOUT_S = 60.0  # seconds until a request counts as unanswered
TOTAL_TIMEOUT_FACTOR = (
    2  # times as long may take all that belongs to it: a login, the way to Heat, and an answer to its end
)
RETRYABLE_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
NOT_FOUND = 404
TOO_MANY_REQUESTS = 429
# Heat 19 says 500 for this, yet the template will never do.
PERMANENT_ERROR_TYPES = frozenset({"CircularDependencyException"})
BUILTIN_CLOUD_NAMES = {"defaults", "envvars"}  # openstacksdk's names for what stands in no clouds.yaml
# What requests says of its own insides, around the system's one sentence.
CONNECTION_POOL_PATTERN = re.compile(r": HTTPS?ConnectionPool\(.*?(\[Errno -?[0-9]+\] [^'\")]+).*", re.S)
UNREACHABLE_ERRORS = (
    keystone.ConnectionError,
    keystone.DiscoveryFailure,
    keystone.HttpServerError,
    keystone.RequestTimeout,
)


def open_heat(cloud: str | None = None) -> OpenStackHeat:
    """Heat of a cloud in clouds.yaml; None: the one that OS_CLOUD or the other OS_ variables name."""
    # The library would also say by itself what every error of it says again.
    logging.getLogger("keystoneauth").addHandler(logging.NullHandler())
    try:
        return OpenStackHeat(openstack.connect(cloud=cloud, app_name="guestagent", app_version=__version__))
    except (ConfigException, keystone.MissingRequiredOptions) as error:
        nameless = cloud is None and isinstance(error, keystone.MissingRequiredOptions)
        told = "no cloud is named, and no OS_AUTH_URL given." if nameless else str(error)
        raise CloudRefused(f"finding the cloud: {told} {_clouds()}") from error
    except (SDKException, keystone.ClientException) as error:
        _raise(error, "finding the cloud")


class OpenStackHeat:
    """The requests of `Heat`. Connecting to the cloud waits for the first of them. `timeout`: a request's seconds."""

    def __init__(self, connection: Connection, timeout: float = REQUEST_TIMEOUT_S) -> None:
        self._connection, self._timeout = connection, timeout
        limit_connections(connection.session.session)

    def stacks(self, *names: str) -> tuple[Stack, ...]:
        answer = self._json("GET", "/stacks", "listing stacks", params=[("name", name) for name in names])
        return tuple(_stack(found) for found in answer["stacks"])

    def resources(self, stack: Stack) -> tuple[Resource, ...]:
        return self._resources(stack, [("type", CONDITION_TYPE_FILTER)])

    def detailed(self, stack: Stack) -> tuple[Resource, ...]:
        return self._resources(stack, [("type", CONDITION_TYPE_FILTER), ("with_detail", "true")])

    def outputs(self, stack: Stack) -> Mapping[str, object]:
        answer = self._json("GET", _path(stack), f"reading the outputs of stack {stack.name}")
        outputs = answer["stack"].get("outputs") or []
        return {output["output_key"]: output.get("output_value") for output in outputs}

    def template(self, stack: Stack) -> object:
        return self._json("GET", f"{_path(stack)}/template", f"reading the template of stack {stack.name}")

    def create(
        self,
        name: str,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> str:
        body = {"stack_name": name, **_change(template, timeout_minutes)}
        answer = self._json("POST", "/stacks", f"launching stack {name}", hidden=parameters, json=body)
        return str(answer["stack"]["id"])

    def update(
        self,
        stack: Stack,
        template: Mapping[str, Any],
        timeout_minutes: int,
        parameters: Mapping[str, Secret] = NO_PARAMETERS,
    ) -> None:
        """Where there are parameters this is a PATCH: after a PUT Heat asks for all of them again."""
        body, doing = _change(template, timeout_minutes), f"updating stack {stack.name}"
        method = "PATCH" if template.keys() & {"Parameters", "parameters"} else "PUT"
        self._request(method, _path(stack), doing, hidden=parameters, json=body)

    def delete(self, stack: Stack) -> None:
        self._request("DELETE", _path(stack), f"deleting stack {stack.name}", fine=NOT_FOUND)

    def validate(self, template: Mapping[str, Any]) -> None:
        self._request("POST", "/validate", "validating the template", json={"template": template})

    def metadata_url(self) -> str | None:
        """The public address, for it is the guests that will use it; ending as os-collect-config wants it."""
        url = self._public("cloudformation")
        return None if url is None else f"{url.rstrip('/')}/"

    def heat_url(self) -> str | None:
        return self._public("orchestration")

    def resource_types(self) -> frozenset[str]:
        answer = self._json("GET", "/resource_types", "listing the resource types")
        return frozenset(str(each) for each in answer["resource_types"])

    def template_versions(self) -> frozenset[str]:
        answer = self._json("GET", "/template_versions", "listing the template versions")
        return frozenset(str(each["version"]) for each in answer["template_versions"])

    def _public(self, service: str) -> str | None:
        region = self._connection.config.get_region_name(service)
        doing = "reading the cloud's catalog"
        try:
            with limit_http_time(TOTAL_TIMEOUT_FACTOR * self._timeout):
                url = self._connection.session.get_endpoint(
                    service_type=service, interface="public", region_name=region
                )
        except TimeLimitExceeded as error:
            raise CloudUnreachable(f"{doing}: {error}") from None
        except (SDKException, keystone.ClientException) as error:
            _raise(error, doing)
        return None if url is None else str(url)

    def _resources(self, stack: Stack, params: list[tuple[str, str]]) -> tuple[Resource, ...]:
        doing = f"listing the conditions of stack {stack.name}"
        answer = self._json("GET", f"{_path(stack)}/resources", doing, params=params)
        return tuple(_resource(found) for found in answer["resources"])

    def _json(self, method: str, path: str, doing: str, **request: Any) -> Any:
        try:
            return self._request(method, path, doing, **request).json()
        except ValueError as error:
            raise CloudUnreachable(f"{doing}: what answered is not Heat, or not whole") from error

    def _request(
        self,
        method: str,
        path: str,
        doing: str,
        fine: int = 0,
        hidden: Mapping[str, Secret] = NO_PARAMETERS,
        **request: Any,
    ) -> Any:
        """The response. Trying again is left to our caller, who knows what may be asked twice.

        `hidden` are the stack's parameters: the library keeps this request out of its log, and Heat's refusal is told
        without them.
        """
        if hidden:
            revealed = {name: value.reveal() for name, value in hidden.items()}
            request = {"log": False, **request, "json": {**request["json"], "parameters": revealed}}
        try:
            with limit_http_time(TOTAL_TIMEOUT_FACTOR * self._timeout):
                response = self._connection.orchestration.request(
                    path, method, raise_exc=False, connect_retries=0, timeout=self._timeout, **request
                )
        except TimeLimitExceeded as error:
            raise CloudUnreachable(f"{doing}: {error}") from None
        except (SDKException, keystone.ClientException) as error:
            _raise(error, doing)
        if response.status_code >= 400 and response.status_code != fine:
            raise _refusal(response, doing, *hidden.values())
        return response


def _stack(found: Mapping[str, Any]) -> Stack:
    return Stack(
        id=str(found["id"]),
        name=str(found["stack_name"]),
        status=str(found["stack_status"]),
        reason=str(found.get("stack_status_reason") or ""),
        updated=str(found.get("updated_time") or ""),
    )


def _resource(found: Mapping[str, Any]) -> Resource:
    return Resource(
        name=str(found["resource_name"]),
        status=str(found["resource_status"]),
        reason=str(found.get("resource_status_reason") or ""),
        attributes=found.get("attributes") or {},
    )


def _path(stack: Stack) -> str:
    return f"/stacks/{stack.name}/{stack.id}"


def _change(template: Mapping[str, Any], timeout_minutes: int) -> dict[str, Any]:
    """A rollback would undo the servers that did come up: whoever asked decides what to do about the others."""
    return {"template": template, "timeout_mins": timeout_minutes, "disable_rollback": True}


def _refusal(response: Any, doing: str, *hidden: Secret) -> CloudError:
    """The error for an answer of 400 or more, with Heat's own words but for what is `hidden`."""
    try:
        body = response.json()
    except ValueError:
        body = None
    error = body.get("error") if isinstance(body, dict) else None
    told = error if isinstance(error, dict) else {}
    message = str(told.get("message") or response.reason or "no reason given").strip()
    said = f"{doing}: Heat says {response.status_code}, {mask_secrets(message, *hidden)}"
    if response.status_code in RETRYABLE_STATUSES and told.get("type") not in PERMANENT_ERROR_TYPES:
        return CloudUnreachable(said)
    return CloudRefused(said)


def _clouds() -> str:
    """What could have been meant."""
    try:
        names = ", ".join(sorted({*OpenStackConfig().get_cloud_names()} - BUILTIN_CLOUD_NAMES))
    except ConfigException:
        names = ""
    known = f"clouds.yaml knows {names}" if names else "no cloud is in a clouds.yaml here"
    return f"({known}; OS_CLOUD names the one to use)"


def _raise(error: Exception, doing: str) -> NoReturn:
    """Keystone's errors and the SDK's as ours; one that may pass by itself as CloudUnreachable."""
    told = CONNECTION_POOL_PATTERN.sub(r": \1", str(error))
    said = f"{doing}: {told}"
    if isinstance(error, keystone.Unauthorized):
        said += " Keystone does not take this user, password and project: see clouds.yaml."
    # Older releases of keystoneauth have no class of their own for 429.
    passing = (
        isinstance(error, UNREACHABLE_ERRORS) or getattr(error, "http_status", None) == TOO_MANY_REQUESTS
    )
    if passing and not isinstance(error, keystone.SSLError):
        raise CloudUnreachable(said) from error
    raise CloudRefused(said) from error
