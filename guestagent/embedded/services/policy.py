"""heat-api's policy: an address is its project's, and the users of stacks may do next to nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from guestagent.embedded.refusals import Forbidden, HTTPForbidden
from guestagent.embedded.services.identity import Caller, Identity

Endpoint = Callable[[Request], Awaitable[Response]]


class Policy:
    """Who may call what. `identity` knows whose a token is."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def members(self, action: str, endpoint: Endpoint) -> Endpoint:
        """Only for the project's own users. `action` is what Heat's policy calls it."""

        async def guarded(request: Request) -> Response:
            if self.caller(request).user is not None:
                raise Forbidden(action)
            return await endpoint(request)

        return guarded

    def guests(self, endpoint: Endpoint) -> Endpoint:
        """For the users of stacks, too; what they may see there the endpoint decides."""

        async def guarded(request: Request) -> Response:
            self.caller(request)
            return await endpoint(request)

        return guarded

    def caller(self, request: Request) -> Caller:
        """Whose request it is; HTTPForbidden where it is for another project's address."""
        caller = self._identity.caller(request.headers.get("X-Auth-Token"))
        if caller is None or caller.project != request.path_params["project"]:
            raise HTTPForbidden
        return caller
