"""The session with a cloud: openstacksdk opens it. No other file imports openstacksdk.

Requests are plain REST, sent once and never repeated here. Errors of the SDK become those of `guestagent.errors`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

import openstack
from keystoneauth1 import exceptions as keystone
from openstack.config import OpenStackConfig
from openstack.config.loader import CONFIG_FILES
from openstack.connection import Connection
from openstack.exceptions import ConfigException, SDKException

from guestagent import __version__
from guestagent.controller.request_limits import REQUEST_LIMIT_FACTOR, REQUEST_TIMEOUT_S
from guestagent.controller.service_pauses import (
    EVERY_SERVICE,
    PAUSE_STATUSES,
    ServicePauses,
    build_pause_error,
    read_retry_after,
)
from guestagent.errors import CloudRefused, CloudUnreachable
from guestagent.http_time_limit import limit_http_time
from guestagent.time_limit import TimeLimitExceeded

__all__ = [
    "RETRYABLE_STATUSES",
    "Connection",
    "count_requests",
    "find_public_endpoint",
    "open_connection",
    "send_request",
]

RETRYABLE_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
TOO_MANY_REQUESTS = 429
BUILTIN_CLOUD_NAMES = {"defaults", "envvars"}  # openstacksdk's names for clouds that are in no clouds.yaml
# The part of an error of requests that is about its own objects, around the system's message.
CONNECTION_POOL_PATTERN = re.compile(r": \w*HTTPS?ConnectionPool\(.*?(\[Errno -?[0-9]+\] [^'\")]+).*", re.S)
CountRequest = Callable[[str, str, "int | None"], None]
_COUNTERS: WeakKeyDictionary[Connection, CountRequest] = WeakKeyDictionary()
_PAUSES: WeakKeyDictionary[Connection, ServicePauses] = WeakKeyDictionary()
NO_CLOUD_MESSAGE = "No cloud selected. Set OS_CLOUD or pass --os-cloud."
UNREACHABLE_ERRORS = (
    keystone.ConnectionError,
    keystone.DiscoveryFailure,
    keystone.HttpServerError,
    keystone.RequestTimeout,
)


def open_connection(cloud: str | None = None) -> Connection:
    """Return a session with a cloud in clouds.yaml; None: of OS_CLOUD, or of the other OS_ variables."""
    # The library would also log each error that it raises.
    logging.getLogger("keystoneauth").addHandler(logging.NullHandler())
    try:
        return openstack.connect(cloud=cloud, app_name="guestagent", app_version=__version__)
    except (ConfigException, keystone.MissingRequiredOptions) as error:
        is_unnamed = cloud is None and isinstance(error, keystone.MissingRequiredOptions)
        reason = NO_CLOUD_MESSAGE if is_unnamed else f"finding the cloud: {error}"
        raise CloudRefused(f"{reason} {_describe_known_clouds()}") from error
    except (SDKException, keystone.ClientException) as error:
        raise_cloud_error(error, "finding the cloud")


def send_request(
    connection: Connection,
    service: str,
    method: str,
    path: str,
    action: str,
    timeout: float = REQUEST_TIMEOUT_S,
    **request: Any,
) -> Any:
    """Send a request to a service, `orchestration` for example, and return the response, whatever its status.

    `action` describes it in errors: CloudUnreachable without an answer, CloudRefused if there can be none. While a
    service wants to be left alone, requests to it are not sent: CloudUnreachable, with the rest of the pause in its
    details. After a 401 the library gets a new token and sends the request once more: a 401 has had no effect.
    """
    pauses = _PAUSES.setdefault(connection, ServicePauses())
    if remaining_s := pauses.find_remaining_s(service):
        raise build_pause_error(action, remaining_s)
    status = None
    try:
        with limit_http_time(REQUEST_LIMIT_FACTOR * timeout):
            adapter = getattr(connection, service)  # the first access logs in
            response = adapter.request(
                path, method, raise_exc=False, connect_retries=0, timeout=timeout, **request
            )
            status = response.status_code
            _note_pause(pauses, service, response)
            return response
    except TimeLimitExceeded as error:
        raise CloudUnreachable(f"{action}: {error}") from None
    except (SDKException, keystone.ClientException) as error:
        _note_pause(pauses, EVERY_SERVICE, getattr(error, "response", None))
        raise_cloud_error(error, action)
    finally:
        if connection in _COUNTERS:
            _COUNTERS[connection](service, method, status)


def _note_pause(pauses: ServicePauses, service: str, response: Any) -> None:
    """Begin the pause that an answer asks for. `response` is None without one."""
    if response is not None and response.status_code in PAUSE_STATUSES:
        seconds = read_retry_after(response.headers.get("Retry-After"))
        if seconds:
            pauses.note(service, seconds)


def count_requests(connection: Connection, count: CountRequest) -> None:
    """Call `count` after each request of a session: with service, method and status, None if it had no answer."""
    _COUNTERS[connection] = count


def find_public_endpoint(
    connection: Connection, service: str, timeout: float = REQUEST_TIMEOUT_S
) -> str | None:
    """Return the public address of a service in the catalog, or None."""
    region = connection.config.get_region_name(service)
    action = "reading the cloud's catalog"
    try:
        with limit_http_time(REQUEST_LIMIT_FACTOR * timeout):
            url = connection.session.get_endpoint(
                service_type=service, interface="public", region_name=region
            )
    except TimeLimitExceeded as error:
        raise CloudUnreachable(f"{action}: {error}") from None
    except (SDKException, keystone.ClientException) as error:
        raise_cloud_error(error, action)
    return None if url is None else str(url)


def find_project_id(connection: Connection) -> str:
    """Return the id of the project to which the session belongs. It logs in if it has not."""
    action = "finding the project"
    try:
        with limit_http_time(REQUEST_LIMIT_FACTOR * REQUEST_TIMEOUT_S):
            return str(connection.session.get_project_id())
    except TimeLimitExceeded as error:
        raise CloudUnreachable(f"{action}: {error}") from None
    except (SDKException, keystone.ClientException) as error:
        raise_cloud_error(error, action)


def _describe_known_clouds() -> str:
    try:
        names = ", ".join(sorted({*OpenStackConfig().get_cloud_names()} - BUILTIN_CLOUD_NAMES))
    except ConfigException:
        names = ""
    if names:
        return f"Clouds in clouds.yaml: {names}."
    folders = dict.fromkeys(str(Path(file).parent) for file in CONFIG_FILES)
    return f"No clouds.yaml with a cloud found in: {', '.join(folders)}."


def raise_cloud_error(error: Exception, action: str) -> NoReturn:
    """Raise the error for one of Keystone or of the SDK: CloudUnreachable if it may pass by itself."""
    reason = CONNECTION_POOL_PATTERN.sub(r": \1", str(error))
    message = f"{action}: {reason}"
    if isinstance(error, keystone.Unauthorized):
        message += " Keystone rejects this user, password and project: see clouds.yaml."
    # Older releases of keystoneauth have no class of their own for 429.
    may_pass = (
        isinstance(error, UNREACHABLE_ERRORS) or getattr(error, "http_status", None) == TOO_MANY_REQUESTS
    )
    if may_pass and not isinstance(error, keystone.SSLError):
        raise CloudUnreachable(message) from error
    raise CloudRefused(message) from error
