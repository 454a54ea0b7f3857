"""A real Keystone over REST: filled with what Heat needs, asked who a token is. `requests` is imported here only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import requests

from guestagent.embedded.realheat.configuration import DOMAIN, DOMAIN_ADMIN, HEAT, SERVICE
from guestagent.embedded.realheat.layout import Passwords
from guestagent.embedded.services.identity import PROJECT, REGION, USER
from guestagent.errors import CloudRefused, CloudUnreachable
from guestagent.secret import Secret

TIMEOUT = 30.0
STACK_USER = "heat_stack_user"
OF_A_PERSON = ("member", "heat_stack_owner")
INTERFACES = ("public", "internal", "admin")


class Keystone:
    """One Keystone, used as one of its users. `url` ends in /v3."""

    def __init__(self, url: str, user: str, password: Secret, project: str) -> None:
        self._url = url
        self._user, self._password, self._project = user, password, project
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy leads to it, and no .netrc
        self._token = ""

    def expiry(self, token: str) -> datetime | None:
        """Until when somebody's token is good; None where it is not."""
        answer = self._send("GET", "/auth/tokens", headers={"X-Subject-Token": token}, params={"nocatalog": "1"})
        if answer.status_code != requests.codes.ok:
            return None
        text = str(answer.json()["token"]["expires_at"])
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)

    def token(self) -> str:
        """A new one of ours."""
        return self._authenticated()

    def make(self, kind: str, plural: str = "", **wanted: object) -> str:
        """A new thing; its id."""
        made = self._json("POST", f"/{plural or kind + 's'}", json={kind: wanted})
        return str(made[kind]["id"])

    def named(self, plural: str, name: str) -> str:
        """The id of what has this name; "" where nothing has."""
        found = self._json("GET", f"/{plural}", params={"name": name})[plural]
        return str(found[0]["id"]) if found else ""

    def grant(self, scope: str, user: str, role: str) -> None:
        """A role on `projects/ID` or `domains/ID`."""
        self._json("PUT", f"/{scope}/users/{user}/roles/{role}")

    def _json(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = self._send(method, path, **more)
        if not answer.ok:
            raise CloudRefused(f"Keystone: {method} {path} gives {answer.status_code}: {answer.text[:300]}")
        return dict(answer.json()) if answer.content else {}

    def _send(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **more: Any
    ) -> requests.Response:
        """With our own token, which is renewed where Keystone does not take it any more."""
        for attempt in range(2):
            if attempt or not self._token:
                self._token = self._authenticated()
            answer = self._asked(method, path, headers={**(headers or {}), "X-Auth-Token": self._token}, **more)
            if answer.status_code != requests.codes.unauthorized:
                break
        return answer

    def _authenticated(self) -> str:
        domain = {"id": "default"}
        user = {"name": self._user, "domain": domain, "password": self._password.reveal()}
        scope = {"project": {"name": self._project, "domain": domain}}
        identity = {"methods": ["password"], "password": {"user": user}}
        answer = self._asked("POST", "/auth/tokens", json={"auth": {"identity": identity, "scope": scope}})
        if not answer.ok:
            raise CloudRefused(f"Keystone does not let {self._user} in: {answer.status_code}")
        return answer.headers["X-Subject-Token"]

    def _asked(self, method: str, path: str, **more: Any) -> requests.Response:
        try:
            return self._session.request(method, self._url + path, timeout=TIMEOUT, **more)
        except requests.RequestException as error:
            raise CloudUnreachable(f"Keystone does not answer: {type(error).__name__}") from error


def fill(keystone: Keystone, passwords: Passwords, endpoints: Mapping[str, str]) -> str:
    """Domain, projects, users, roles and the catalog in a Keystone that has just begun; the person's project."""
    roles = {
        name: keystone.named("roles", name) or keystone.make("role", name=name)
        for name in ("admin", "service", STACK_USER, *OF_A_PERSON)
    }
    projects = {name: keystone.make("project", name=name, domain_id="default") for name in (SERVICE, PROJECT)}
    domain = keystone.make("domain", name=DOMAIN, description="The users that Heat makes for stacks")
    heat = _user(keystone, HEAT, passwords.heat, "default")
    person = _user(keystone, USER, passwords.person, "default")
    admin = _user(keystone, DOMAIN_ADMIN, passwords.domain, domain)
    for role in ("admin", "service"):
        keystone.grant(f"projects/{projects[SERVICE]}", heat, roles[role])
    keystone.grant(f"domains/{domain}", admin, roles["admin"])
    for role in OF_A_PERSON:
        keystone.grant(f"projects/{projects[PROJECT]}", person, roles[role])
    _catalog(keystone, endpoints)
    return projects[PROJECT]


def _user(keystone: Keystone, name: str, password: Secret, domain: str) -> str:
    return keystone.make("user", name=name, password=password.reveal(), domain_id=domain)


def _catalog(keystone: Keystone, endpoints: Mapping[str, str], interfaces: Sequence[str] = INTERFACES) -> None:
    keystone.make("region", id=REGION)
    there = keystone.named("services", "keystone")  # made with Keystone's first user
    for kind, url in endpoints.items():
        service = (kind == "identity" and there) or keystone.make("service", type=kind, name=kind)
        for interface in interfaces:
            keystone.make("endpoint", service_id=service, interface=interface, region_id=REGION, url=url)
