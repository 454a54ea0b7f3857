"""The microversion of a request to Cinder."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from guestagent.embedded.http.microversion import Microversion, format_microversion, parse_microversion
from guestagent.embedded.http.request_ids import get_request_id
from guestagent.embedded.openstack.cinder.errors import UnknownVersion, VolumeRefused

Endpoint = Callable[[Request], Awaitable[Response]]
REQUEST_ID_HEADER = "x-compute-request-id"
"""Cinder shows the id of a request in this one, too."""
HEADER, SERVICE = "OpenStack-API-Version", "volume"
OLDEST: Microversion = (3, 0)
NEWEST: Microversion = (3, 70)


def read_microversion(request: Request) -> Microversion:
    """Return the microversion that a request asks for; the oldest if it asks for none."""
    header = request.headers.get(HEADER, f"{SERVICE} {format_microversion(OLDEST)}")
    version = header.removeprefix(SERVICE).strip()
    if version == "latest":
        return NEWEST
    wanted = parse_microversion(version)
    if wanted is None:
        raise VolumeRefused(
            f"API Version String {version} is of invalid format. Must be of format MajorNum.MinorNum."
        )
    if not OLDEST <= wanted <= NEWEST:
        raise UnknownVersion(
            f"Version {version} is not supported by the API. Minimum is {format_microversion(OLDEST)} and maximum is "
            f"{format_microversion(NEWEST)}."
        )
    return wanted


def check_version(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint that refuses an unknown microversion before anything else."""

    async def check_and_run(request: Request) -> Response:
        read_microversion(request)
        response = await endpoint(request)
        response.headers[REQUEST_ID_HEADER] = get_request_id()
        return response

    return check_and_run
