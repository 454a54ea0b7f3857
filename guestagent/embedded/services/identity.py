"""A little Keystone: one user in one project, tokens by password, and the catalog."""

from __future__ import annotations

import hmac
import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from guestagent.embedded.heat.stack import now
from guestagent.secret import Secret

USER, PROJECT, REGION = "demo", "demo", "RegionOne"
DOMAIN = {"id": "default", "name": "Default"}
ROLES = ("member", "reader", "heat_stack_owner")
TOKEN_LIFE = timedelta(hours=1)


class Identity:
    """Who may use the cloud. `endpoints` are the services by type, filled when they are known."""

    def __init__(self, password: Secret) -> None:
        self.password = password
        self.user_id, self.project_id = uuid.uuid4().hex, uuid.uuid4().hex
        self.endpoints: dict[str, str] = {}
        self._tokens: dict[str, datetime] = {}

    def knows(self, token: str | None) -> bool:
        """Whether a token is one of ours and not too old."""
        expires = self._tokens.get(token or "")
        return expires is not None and expires > now()

    def routes(self) -> list[Route]:
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
            allowed = self._allowed(asked["identity"]) and self._in_scope(asked.get("scope"))
        except (ValueError, KeyError, TypeError, AttributeError):
            return _error(400, "Bad Request", "Expecting to find auth in request body.")
        if not allowed:
            return unauthorized()
        token, expires = secrets.token_urlsafe(32), now() + TOKEN_LIFE
        self._tokens = {known: until for known, until in self._tokens.items() if until > now()}
        self._tokens[token] = expires
        return JSONResponse({"token": self._token(expires)}, 201, {"X-Subject-Token": token})

    async def _show(self, request: Request) -> Response:
        subject = request.headers.get("X-Subject-Token")
        if not self.knows(request.headers.get("X-Auth-Token")):
            return unauthorized()
        if not self.knows(subject):
            return _error(404, "Not Found", "Could not find token.")
        assert subject is not None
        return JSONResponse(
            {"token": self._token(self._tokens[subject])}, headers={"X-Subject-Token": subject}
        )

    async def _revoke(self, request: Request) -> Response:
        self._tokens.pop(request.headers.get("X-Subject-Token", ""), None)
        return Response(status_code=204)

    async def _catalog(self, request: Request) -> Response:
        if not self.knows(request.headers.get("X-Auth-Token")):
            return unauthorized()
        return JSONResponse({"catalog": self._services()})

    async def _projects(self, request: Request) -> Response:
        if not self.knows(request.headers.get("X-Auth-Token")):
            return unauthorized()
        project = {"id": self.project_id, "name": PROJECT, "domain_id": DOMAIN["id"], "enabled": True}
        return JSONResponse({"projects": [project], "links": {}})

    def _allowed(self, identity: Mapping[str, Mapping[str, Mapping[str, str]]]) -> bool:
        if "token" in identity["methods"]:
            return self.knows(str(identity["token"]["id"]))
        user = identity["password"]["user"]
        known = user.get("name") == USER or user.get("id") == self.user_id
        right = hmac.compare_digest(user["password"].encode(), self.password.reveal().encode())
        return known and right

    def _in_scope(self, scope: Mapping[str, Mapping[str, str]] | None) -> bool:
        project = (scope or {}).get("project")
        return project is None or project.get("name") == PROJECT or project.get("id") == self.project_id

    def _token(self, expires: datetime) -> dict[str, object]:
        return {
            "methods": ["password"],
            "user": {"id": self.user_id, "name": USER, "domain": DOMAIN, "password_expires_at": None},
            "audit_ids": [uuid.uuid4().hex[:22]],
            "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
            "issued_at": (expires - TOKEN_LIFE).strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
            "project": {"id": self.project_id, "name": PROJECT, "domain": DOMAIN},
            "is_domain": False,
            "roles": [{"id": uuid.uuid5(uuid.NAMESPACE_DNS, role).hex, "name": role} for role in ROLES],
            "catalog": self._services(),
        }

    def _services(self) -> list[dict[str, object]]:
        return [
            {
                "id": uuid.uuid5(uuid.NAMESPACE_URL, kind).hex,
                "type": kind,
                "name": kind,
                "endpoints": [
                    {
                        "id": uuid.uuid5(uuid.NAMESPACE_URL, f"{kind} {interface}").hex,
                        "interface": interface,
                        "region": REGION,
                        "region_id": REGION,
                        "url": url,
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


def unauthorized() -> Response:
    """What Keystone, and its middleware in front of every service, says of a missing or wrong credential."""
    answer = _error(401, "Unauthorized", "The request you have made requires authentication.")
    answer.headers["WWW-Authenticate"] = 'Keystone uri="embedded"'
    return answer


def _error(code: int, title: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "title": title, "message": message}}, code)
