"""A minimal Keystone: one user in one project, the users of stacks in their own, tokens, and the catalog."""

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
    """The owner of a token: a stack's user, or (if there is none) the cloud's one user."""

    project: str
    user: StackUser | None = None


@dataclass(frozen=True, slots=True)
class Token:
    caller: Caller
    expires_at: datetime
    id: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)


class IdentityApi:
    """The routes of the identity service. `endpoints` are the services by type, added when they are known."""

    def __init__(self, password: Secret, users: StackUserStore) -> None:
        self.password, self._users = password, users
        self.user_id, self.project_id = uuid.uuid4().hex, uuid.uuid4().hex
        self.endpoints: dict[str, str] = {}
        self._tokens: dict[str, Token] = {}

    def is_valid_token(self, token: str | None) -> bool:
        """Return whether this Keystone issued the token and it has not expired."""
        return self._find_valid_token(token) is not None

    def find_caller(self, token: str | None) -> Caller | None:
        """Return the owner of a token."""
        token_object = self._find_valid_token(token)
        return None if token_object is None else token_object.caller

    def issue_token(self, caller: Caller) -> Token:
        """Issue a new token."""
        token = Token(caller, get_utc_time() + TOKEN_LIFETIME)
        self._tokens = {
            token_id: token_object
            for token_id, token_object in self._tokens.items()
            if token_object.expires_at > get_utc_time()
        }
        self._tokens[token.id] = token
        return token

    def build_routes(self) -> list[Route]:
        return [
            Route("/", self._show_versions),
            Route("/v3", self._show_version),
            Route("/v3/", self._show_version),
            Route("/v3/auth/tokens", self._handle_login, methods=["POST"]),
            Route("/v3/auth/tokens", self._show_token, methods=["GET", "HEAD"]),
            Route("/v3/auth/tokens", self._revoke_token, methods=["DELETE"]),
            Route("/v3/auth/catalog", self._show_catalog),
            Route("/v3/auth/projects", self._list_projects),
            Route("/v3/projects", self._list_projects),
        ]

    async def _show_versions(self, request: Request) -> Response:
        return JSONResponse({"versions": {"values": [self._format_version()]}}, 300)

    async def _show_version(self, request: Request) -> Response:
        return JSONResponse({"version": self._format_version()})

    async def _handle_login(self, request: Request) -> Response:
        try:
            auth = (await request.json())["auth"]
            caller = self._authenticate(auth["identity"])
            if caller is None or not self._is_in_scope(caller, auth.get("scope")):
                return build_unauthorized_response()
        except (ValueError, KeyError, TypeError, AttributeError):
            return _build_error(400, "Bad Request", "Expecting to find auth in request body.")
        token = self.issue_token(caller)
        return JSONResponse({"token": self._format_token(token)}, 201, {"X-Subject-Token": token.id})

    async def _show_token(self, request: Request) -> Response:
        if not self.is_valid_token(request.headers.get("X-Auth-Token")):
            return build_unauthorized_response()
        subject = self._find_valid_token(request.headers.get("X-Subject-Token"))
        if subject is None:
            return _build_error(404, "Not Found", "Could not find token.")
        return JSONResponse({"token": self._format_token(subject)}, headers={"X-Subject-Token": subject.id})

    async def _revoke_token(self, request: Request) -> Response:
        self._tokens.pop(request.headers.get("X-Subject-Token", ""), None)
        return Response(status_code=204)

    async def _show_catalog(self, request: Request) -> Response:
        caller = self.find_caller(request.headers.get("X-Auth-Token"))
        return (
            build_unauthorized_response()
            if caller is None
            else JSONResponse({"catalog": self._format_catalog(caller)})
        )

    async def _list_projects(self, request: Request) -> Response:
        caller = self.find_caller(request.headers.get("X-Auth-Token"))
        if caller is None:
            return build_unauthorized_response()
        name, domain = (
            (PROJECT_NAME, DEFAULT_DOMAIN) if caller.user is None else (caller.project, HEAT_DOMAIN)
        )
        project = {"id": caller.project, "name": name, "domain_id": domain["id"], "enabled": True}
        return JSONResponse({"projects": [project], "links": {}})

    def _find_valid_token(self, token: str | None) -> Token | None:
        """Find a token that is still valid: its user may have been removed with a resource."""
        token_object = self._tokens.get(token or "")
        if token_object is None or token_object.expires_at <= get_utc_time():
            return None
        user = token_object.caller.user
        return None if user is not None and self._users.find(user.id) is None else token_object

    def _authenticate(self, identity: Mapping[str, Mapping[str, Mapping[str, str]]]) -> Caller | None:
        if "token" in identity["methods"]:
            return self.find_caller(str(identity["token"]["id"]))
        auth = identity["password"]["user"]
        if auth.get("name") == USER_NAME or auth.get("id") == self.user_id:
            return Caller(self.project_id) if _is_same_password(auth["password"], self.password) else None
        user = self._users.find(auth.get("id", "")) or self._users.find_by_name(auth.get("name", ""))
        if user is None or not _is_same_password(auth["password"], user.password):
            return None
        return Caller(user.project, user)

    def _is_in_scope(self, caller: Caller, scope: Mapping[str, Mapping[str, str]] | None) -> bool:
        """Whether the scope is the caller's own project: by name or id for the cloud's user, by id for a stack's."""
        project = (scope or {}).get("project")
        if project is None:
            return True
        return project.get("id") == caller.project or (
            caller.user is None and project.get("name") == PROJECT_NAME
        )

    def _format_token(self, token: Token) -> dict[str, object]:
        caller, user = token.caller, token.caller.user
        domain = DEFAULT_DOMAIN if user is None else HEAT_DOMAIN
        roles = PROJECT_ROLES if user is None else (STACK_USER_ROLE,)
        user_view = (
            {"id": self.user_id, "name": USER_NAME} if user is None else {"id": user.id, "name": user.name}
        )
        project = PROJECT_NAME if user is None else user.project
        return {
            "methods": ["password"],
            "user": {**user_view, "domain": domain, "password_expires_at": None},
            "audit_ids": [uuid.uuid4().hex[:22]],
            "expires_at": token.expires_at.strftime(TIMESTAMP_FORMAT),
            "issued_at": (token.expires_at - TOKEN_LIFETIME).strftime(TIMESTAMP_FORMAT),
            "project": {"id": caller.project, "name": project, "domain": domain},
            "is_domain": False,
            "roles": [{"id": uuid.uuid5(uuid.NAMESPACE_DNS, role).hex, "name": role} for role in roles],
            "catalog": self._format_catalog(caller),
        }

    def _format_catalog(self, caller: Caller) -> list[dict[str, object]]:
        """Format the catalog, with the caller's project in the addresses that name one."""
        return [
            {
                "id": uuid.uuid5(uuid.NAMESPACE_URL, service_type).hex,
                "type": service_type,
                "name": service_type,
                "endpoints": [
                    {
                        "id": uuid.uuid5(uuid.NAMESPACE_URL, f"{service_type} {interface}").hex,
                        "interface": interface,
                        "region": REGION_NAME,
                        "region_id": REGION_NAME,
                        "url": url.replace(self.project_id, caller.project),
                    }
                    for interface in ("public", "internal", "admin")
                ],
            }
            for service_type, url in self.endpoints.items()
        ]

    def _format_version(self) -> dict[str, object]:
        return {
            "id": "v3.14",
            "status": "stable",
            "updated": "2020-04-07T00:00:00Z",
            "links": [{"rel": "self", "href": self.endpoints["identity"] + "/"}],
            "media-types": [
                {"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}
            ],
        }


def _is_same_password(password: str, expected: Secret) -> bool:
    return hmac.compare_digest(password.encode(), expected.reveal().encode())


def build_unauthorized_response() -> Response:
    """Build the response of Keystone, and of its middleware, to a missing or wrong credential."""
    response = _build_error(401, "Unauthorized", "The request you have made requires authentication.")
    response.headers["WWW-Authenticate"] = 'Keystone uri="embedded"'
    return response


def _build_error(status_code: int, title: str, message: str) -> Response:
    return JSONResponse({"error": {"code": status_code, "title": title, "message": message}}, status_code)
