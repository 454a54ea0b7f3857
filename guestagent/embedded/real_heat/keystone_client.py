"""A real Keystone over REST: filled with what Heat needs, asked who a token is. `requests` is imported here only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import requests

from guestagent.embedded.openstack.keystone.demo_project import PROJECT_NAME, REGION_NAME, USER_NAME
from guestagent.embedded.real_heat.daemon_config import (
    HEAT_USER,
    SERVICE_PROJECT,
    STACK_DOMAIN,
    STACK_DOMAIN_ADMIN,
)
from guestagent.embedded.real_heat.paths import HeatPasswords
from guestagent.errors import CloudRefused, CloudUnreachable
from guestagent.secret import Secret

REQUEST_TIMEOUT_S = 30.0
STACK_USER_ROLE = "heat_stack_user"
PERSON_ROLES = ("member", "heat_stack_owner")
ENDPOINT_INTERFACES = ("public", "internal", "admin")


class KeystoneClient:
    """One Keystone, used as one of its users. `url` ends in /v3."""

    def __init__(self, url: str, user: str, password: Secret, project: str) -> None:
        self._url = url
        self._user, self._password, self._project = user, password, project
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy leads to it, and no .netrc
        self._token = ""

    def fetch_expiry(self, token: str) -> datetime | None:
        """Until when somebody's token is good; None where it is not."""
        answer = self._send(
            "GET", "/auth/tokens", headers={"X-Subject-Token": token}, params={"nocatalog": "1"}
        )
        if answer.status_code != requests.codes.ok:
            return None
        text = str(answer.json()["token"]["expires_at"])
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)

    def issue_token(self) -> str:
        """A new one of ours."""
        return self._authenticated()

    def create_object(self, kind: str, plural: str = "", **wanted: object) -> str:
        """A new thing; its id."""
        made = self._json("POST", f"/{plural or kind + 's'}", json={kind: wanted})
        return str(made[kind]["id"])

    def find_id(self, plural: str, name: str) -> str:
        """The id of what has this name; "" where nothing has."""
        found = self._json("GET", f"/{plural}", params={"name": name})[plural]
        return str(found[0]["id"]) if found else ""

    def grant_role(self, scope: str, user: str, role: str) -> None:
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
            answer = self._asked(
                method, path, headers={**(headers or {}), "X-Auth-Token": self._token}, **more
            )
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
            return self._session.request(method, self._url + path, timeout=REQUEST_TIMEOUT_S, **more)
        except requests.RequestException as error:
            raise CloudUnreachable(f"Keystone does not answer: {type(error).__name__}") from error


def populate_keystone(
    keystone: KeystoneClient, passwords: HeatPasswords, endpoints: Mapping[str, str]
) -> str:
    """Domain, projects, users, roles and the catalog in a Keystone that has just begun; the person's project."""
    roles = {
        name: keystone.find_id("roles", name) or keystone.create_object("role", name=name)
        for name in ("admin", "service", STACK_USER_ROLE, *PERSON_ROLES)
    }
    projects = {
        name: keystone.create_object("project", name=name, domain_id="default")
        for name in (SERVICE_PROJECT, PROJECT_NAME)
    }
    domain = keystone.create_object(
        "domain", name=STACK_DOMAIN, description="The users that Heat makes for stacks"
    )
    heat = _user(keystone, HEAT_USER, passwords.heat, "default")
    person = _user(keystone, USER_NAME, passwords.person, "default")
    admin = _user(keystone, STACK_DOMAIN_ADMIN, passwords.domain, domain)
    for role in ("admin", "service"):
        keystone.grant_role(f"projects/{projects[SERVICE_PROJECT]}", heat, roles[role])
    keystone.grant_role(f"domains/{domain}", admin, roles["admin"])
    for role in PERSON_ROLES:
        keystone.grant_role(f"projects/{projects[PROJECT_NAME]}", person, roles[role])
    _catalog(keystone, endpoints)
    return projects[PROJECT_NAME]


def _user(keystone: KeystoneClient, name: str, password: Secret, domain: str) -> str:
    return keystone.create_object("user", name=name, password=password.reveal(), domain_id=domain)


def _catalog(
    keystone: KeystoneClient, endpoints: Mapping[str, str], interfaces: Sequence[str] = ENDPOINT_INTERFACES
) -> None:
    keystone.create_object("region", id=REGION_NAME)
    there = keystone.find_id("services", "keystone")  # made with Keystone's first user
    for kind, url in endpoints.items():
        service = (kind == "identity" and there) or keystone.create_object("service", type=kind, name=kind)
        for interface in interfaces:
            keystone.create_object(
                "endpoint", service_id=service, interface=interface, region_id=REGION_NAME, url=url
            )
