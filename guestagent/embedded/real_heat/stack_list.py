"""heat-api's stack list, read through the proxy: for the cloud's status, and to record reads that endanger a stack."""

from __future__ import annotations

import json

from guestagent.embedded.real_heat.reverse_proxy import ProxyRequest, RawHeaders, ReverseProxy
from guestagent.embedded.real_heat.unsafe_requests import UnsafeRequest

StackRow = dict[str, str]


async def fetch_stacks(heat: ReverseProxy, project: str, headers: RawHeaders) -> list[StackRow]:
    """Fetch the project's stacks with the credentials in `headers`; none if Heat does not answer with a list."""
    response = await heat.forward_request(ProxyRequest("GET", f"/v1/{project}/stacks", headers, b""))
    return list(json.loads(response.body)["stacks"]) if response.status_code == 200 else []


async def fetch_endangered_stacks(
    heat: ReverseProxy, request: ProxyRequest, read: UnsafeRequest
) -> list[StackRow]:
    """Fetch the stacks that a read names. Heat's list has their status, and listing them writes nothing."""
    project = request.target.split("/")[2]
    stacks = await fetch_stacks(heat, project, request.headers)
    return [stack for stack in stacks if read.stack in (stack["stack_name"], stack["id"])]
