"""heat-api's policy: an address is its project's, and the users of stacks may do next to nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from guestagent.embedded.http.errors import Forbidden, HTTPForbidden
from guestagent.embedded.openstack.keystone.api import Caller, IdentityApi

Endpoint = Callable[[Request], Awaitable[Response]]


class AccessRules:
    """Who may call what. `identity` knows whose a token is."""

    def __init__(self, identity: IdentityApi) -> None:
        self._identity = identity

    def allow_members(self, action: str, endpoint: Endpoint) -> Endpoint:
        """Only for the project's own users. `action` is what Heat's policy calls it."""

        async def guarded(request: Request) -> Response:
            if self.get_caller(request).user is not None:
                raise Forbidden(action)
            return await endpoint(request)

        return guarded

    def allow_stack_users(self, endpoint: Endpoint) -> Endpoint:
        """For the users of stacks, too; what they may see there the endpoint decides."""

        async def guarded(request: Request) -> Response:
            self.get_caller(request)
            return await endpoint(request)

        return guarded

    def get_caller(self, request: Request) -> Caller:
        """Whose request it is; HTTPForbidden where it is for another project's address."""
        caller = self._identity.find_caller(request.headers.get("X-Auth-Token"))
        if caller is None or caller.project != request.path_params["project"]:
            raise HTTPForbidden
        return caller
