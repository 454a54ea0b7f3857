"""A little Keystone: one person in one project, the users of stacks in theirs, tokens, and the catalog."""

from __future__ import annotations

import hmac
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.host.clock import get_utc_time
from guestagent.embedded.openstack.keystone.demo_project import PROJECT_NAME, REGION_NAME, USER_NAME
from guestagent.embedded.openstack.keystone.stack_users import (
    HEAT_DOMAIN_ID,
    HEAT_DOMAIN_NAME,
    STACK_USER_ROLE,
    StackUser,
    StackUserStore,
)
from guestagent.secret import Secret

DEFAULT_DOMAIN = {"id": "default", "name": "Default"}
PROJECT_ROLES = ("member", "reader", "heat_stack_owner")
TOKEN_LIFETIME = timedelta(hours=1)
HEAT_DOMAIN = {"id": HEAT_DOMAIN_ID, "name": HEAT_DOMAIN_NAME}
TIMESTAMP_FORMAT = "%Y-%m-%dT%H:%M:%S.000000Z"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose token it is: a stack's user, or (with none) the cloud's one person."""

    project: str
    user: StackUser | None = None


@dataclass(frozen=True, slots=True)
class Token:
    caller: Caller
    expires_at: datetime
    id: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)


class IdentityApi:
    """Who may use the cloud. `endpoints` are the services by type, filled when they are known."""

    def __init__(self, password: Secret, users: StackUserStore) -> None:
        self.password, self._users = password, users
        self.user_id, self.project_id = uuid.uuid4().hex, uuid.uuid4().hex
        self.endpoints: dict[str, str] = {}
        self._tokens: dict[str, Token] = {}

    def is_valid_token(self, token: str | None) -> bool:
        """Whether a token is one of ours and not too old."""
        return self._found(token) is not None

    def find_caller(self, token: str | None) -> Caller | None:
        """Whose token it is."""
        found = self._found(token)
        return None if found is None else found.caller

    def issue_token(self, caller: Caller) -> Token:
        """A new token."""
        token = Token(caller, get_utc_time() + TOKEN_LIFETIME)
        self._tokens = {
            known: each for known, each in self._tokens.items() if each.expires_at > get_utc_time()
        }
        self._tokens[token.id] = token
        return token

    def build_routes(self) -> list[Route]:
        return [
            Route("/", self._versions),
            Route("/v3", self._version),
            Route("/v3/", self._version),
            Route("/v3/auth/tokens", self._issue, methods=["POST"]),
            Route("/v3/auth/tokens", self._show, methods=["GET", "HEAD"]),
            Route("/v3/auth/tokens", self._revoke, methods=["DELETE"]),
            Route("/v3/auth/catalog", self._catalog),
            Route("/v3/auth/projects", self._projects),
            Route("/v3/projects", self._projects),
        ]

    async def _versions(self, request: Request) -> Response:
        return JSONResponse({"versions": {"values": [self._version_view()]}}, 300)

    async def _version(self, request: Request) -> Response:
        return JSONResponse({"version": self._version_view()})

    async def _issue(self, request: Request) -> Response:
        try:
            asked = (await request.json())["auth"]
            caller = self._allowed(asked["identity"])
            if caller is None or not self._in_scope(caller, asked.get("scope")):
                return build_unauthorized_response()
        except (ValueError, KeyError, TypeError, AttributeError):
            return _error(400, "Bad Request", "Expecting to find auth in request body.")
        token = self.issue_token(caller)
        return JSONResponse({"token": self._view(token)}, 201, {"X-Subject-Token": token.id})

    async def _show(self, request: Request) -> Response:
        if not self.is_valid_token(request.headers.get("X-Auth-Token")):
            return build_unauthorized_response()
        subject = self._found(request.headers.get("X-Subject-Token"))
        if subject is None:
            return _error(404, "Not Found", "Could not find token.")
        return JSONResponse({"token": self._view(subject)}, headers={"X-Subject-Token": subject.id})

    async def _revoke(self, request: Request) -> Response:
        self._tokens.pop(request.headers.get("X-Subject-Token", ""), None)
        return Response(status_code=204)

    async def _catalog(self, request: Request) -> Response:
        caller = self.find_caller(request.headers.get("X-Auth-Token"))
        return (
            build_unauthorized_response()
            if caller is None
            else JSONResponse({"catalog": self._services(caller)})
        )

    async def _projects(self, request: Request) -> Response:
        caller = self.find_caller(request.headers.get("X-Auth-Token"))
        if caller is None:
            return build_unauthorized_response()
        name, domain = (
            (PROJECT_NAME, DEFAULT_DOMAIN) if caller.user is None else (caller.project, HEAT_DOMAIN)
        )
        project = {"id": caller.project, "name": name, "domain_id": domain["id"], "enabled": True}
        return JSONResponse({"projects": [project], "links": {}})

    def _found(self, token: str | None) -> Token | None:
        """A token that is still good: its user may have gone with a resource."""
        found = self._tokens.get(token or "")
        if found is None or found.expires_at <= get_utc_time():
            return None
        user = found.caller.user
        return None if user is not None and self._users.find(user.id) is None else found

    def _allowed(self, identity: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Caller | None:
        if "token" in identity["methods"]:
            return self.find_caller(str(identity["token"]["id"]))
        asked = identity["password"]["user"]
        if asked.get("name") == USER_NAME or asked.get("id") == self.user_id:
            return Caller(self.project_id) if _same(asked["password"], self.password) else None
        user = self._users.find(asked.get("id", "")) or self._users.find_by_name(asked.get("name", ""))
        if user is None or not _same(asked["password"], user.password):
            return None
        return Caller(user.project, user)

    def _in_scope(self, caller: Caller, scope: Mapping[str, Mapping[str, str]] | None) -> bool:
        """Its own project; the person's may be named, a stack's goes by its id."""
        project = (scope or {}).get("project")
        if project is None:
            return True
        return project.get("id") == caller.project or (
            caller.user is None and project.get("name") == PROJECT_NAME
        )

    def _view(self, token: Token) -> dict[str, object]:
        caller, user = token.caller, token.caller.user
        domain = DEFAULT_DOMAIN if user is None else HEAT_DOMAIN
        roles = PROJECT_ROLES if user is None else (STACK_USER_ROLE,)
        who = {"id": self.user_id, "name": USER_NAME} if user is None else {"id": user.id, "name": user.name}
        project = PROJECT_NAME if user is None else user.project
        return {
            "methods": ["password"],
            "user": {**who, "domain": domain, "password_expires_at": None},
            "audit_ids": [uuid.uuid4().hex[:22]],
            "expires_at": token.expires_at.strftime(TIMESTAMP_FORMAT),
            "issued_at": (token.expires_at - TOKEN_LIFETIME).strftime(TIMESTAMP_FORMAT),
            "project": {"id": caller.project, "name": project, "domain": domain},
            "is_domain": False,
            "roles": [{"id": uuid.uuid5(uuid.NAMESPACE_DNS, role).hex, "name": role} for role in roles],
            "catalog": self._services(caller),
        }

    def _services(self, caller: Caller) -> list[dict[str, object]]:
        """The catalog, with the caller's project in the addresses that name one."""
        return [
            {
                "id": uuid.uuid5(uuid.NAMESPACE_URL, kind).hex,
                "type": kind,
                "name": kind,
                "endpoints": [
                    {
                        "id": uuid.uuid5(uuid.NAMESPACE_URL, f"{kind} {interface}").hex,
                        "interface": interface,
                        "region": REGION_NAME,
                        "region_id": REGION_NAME,
                        "url": url.replace(self.project_id, caller.project),
                    }
                    for interface in ("public", "internal", "admin")
                ],
            }
            for kind, url in self.endpoints.items()
        ]

    def _version_view(self) -> dict[str, object]:
        return {
            "id": "v3.14",
            "status": "stable",
            "updated": "2020-04-07T00:00:00Z",
            "links": [{"rel": "self", "href": self.endpoints["identity"] + "/"}],
            "media-types": [
                {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}
            ],
        }


def _same(given: str, known: Secret) -> bool:
    return hmac.compare_digest(given.encode(), known.reveal().encode())


def build_unauthorized_response() -> Response:
    """What Keystone, and its middleware in front of every service, says of a missing or wrong credential."""
    answer = _error(401, "Unauthorized", "The request you have made requires authentication.")
    answer.headers["WWW-Authenticate"] = 'Keystone uri="embedded"'
    return answer


def _error(code: int, title: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "title": title, "message": message}}, code)
