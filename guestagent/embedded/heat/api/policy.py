"""heat-api's policy: an address belongs to its project, and the users of stacks may do very little."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from guestagent.embedded.http.errors import Forbidden, HTTPForbidden
from guestagent.embedded.openstack.keystone.api import Caller, IdentityApi

Endpoint = Callable[[Request], Awaitable[Response]]


class AccessRules:
    """The access rules of the routes. `identity` authenticates tokens."""

    def __init__(self, identity: IdentityApi) -> None:
        self._identity = identity

    def allow_members(self, action: str, endpoint: Endpoint) -> Endpoint:
        """Allow the project's own users only. `action` is its name in Heat's policy."""

        async def check_and_call(request: Request) -> Response:
            if self.get_caller(request).user is not None:
                raise Forbidden(action)
            return await endpoint(request)

        return check_and_call

    def allow_stack_users(self, endpoint: Endpoint) -> Endpoint:
        """Allow the users of stacks too. The endpoint decides what they may see."""

        async def check_and_call(request: Request) -> Response:
            self.get_caller(request)
            return await endpoint(request)

        return check_and_call

    def get_caller(self, request: Request) -> Caller:
        """Return the caller; HTTPForbidden if the address belongs to another project."""
        caller = self._identity.find_caller(request.headers.get("X-Auth-Token"))
        if caller is None or caller.project != request.path_params["project"]:
            raise HTTPForbidden
        return caller
