"""A real Keystone over REST: populates it for Heat, and looks up the user of a token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from http import HTTPStatus
from typing import Any

from keystoneauth1.exceptions import ClientException, ConnectionError
from requests import Response

from guestagent.embedded.openstack.keystone.demo_project import PROJECT_NAME, REGION_NAME, USER_NAME
from guestagent.embedded.openstack.keystone.login import DEFAULT_DOMAIN_ID, open_session
from guestagent.embedded.openstack.keystone.stack_users import STACK_USER_ROLE
from guestagent.embedded.real_heat.daemon_config import (
    HEAT_USER,
    SERVICE_PROJECT,
    STACK_DOMAIN,
    STACK_DOMAIN_ADMIN,
)
from guestagent.embedded.real_heat.passwords import HeatPasswords
from guestagent.errors import CloudRefused, CloudUnreachable
from guestagent.secret import Secret

PERSON_ROLES = ("member", "heat_stack_owner")
ENDPOINT_INTERFACES = ("public", "internal", "admin")


class KeystoneClient:
    """One Keystone, used as one of its users. `url` ends in /v3."""

    def __init__(self, url: str, username: str, password: Secret, project: str) -> None:
        self._url = url
        self._session = open_session(url, username, password, project)

    def fetch_expiry(self, token: str) -> datetime | None:
        """Return when a token of any user expires; None if it is not valid."""
        headers, parameters = {"X-Subject-Token": token}, {"nocatalog": "1"}
        response = self._request("GET", "/auth/tokens", headers=headers, params=parameters, raise_exc=False)
        if response.status_code != HTTPStatus.OK:
            return None
        text = str(response.json()["token"]["expires_at"])
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)

    def issue_token(self) -> str:
        """Return a valid token of this user."""
        with _translate_errors():
            return str(self._session.get_token())

    def create_object(self, kind: str, plural: str = "", **attributes: object) -> str:
        """Create an object and return its id."""
        response = self._request("POST", f"/{plural or kind + 's'}", json={kind: attributes})
        return str(response.json()[kind]["id"])

    def find_id(self, plural: str, name: str) -> str:
        """Return the id of the object of this name; "" if there is none."""
        rows = self._request("GET", f"/{plural}", params={"name": name}).json()[plural]
        return str(rows[0]["id"]) if rows else ""

    def grant_role(self, scope: str, user: str, role: str) -> None:
        """Grant a role on `projects/ID` or `domains/ID`."""
        self._request("PUT", f"/{scope}/users/{user}/roles/{role}")

    def _request(self, method: str, path: str, **options: Any) -> Response:
        with _translate_errors():
            return self._session.request(self._url + path, method, **options)


@contextmanager
def _translate_errors() -> Iterator[None]:
    try:
        yield
    except ConnectionError as error:
        raise CloudUnreachable(f"Keystone does not answer: {type(error).__name__}") from error
    except ClientException as error:
        raise CloudRefused(f"Keystone refuses a request: {error}") from error


def populate_keystone(
    keystone: KeystoneClient, passwords: HeatPasswords, endpoints: Mapping[str, str]
) -> str:
    """Create domain, projects, users, roles and catalog in a new Keystone, and return the id of the user's project."""
    roles = {
        name: keystone.find_id("roles", name) or keystone.create_object("role", name=name)
        for name in ("admin", "service", STACK_USER_ROLE, *PERSON_ROLES)
    }
    projects = {
        name: keystone.create_object("project", name=name, domain_id=DEFAULT_DOMAIN_ID)
        for name in (SERVICE_PROJECT, PROJECT_NAME)
    }
    domain = keystone.create_object(
        "domain", name=STACK_DOMAIN, description="The users that Heat makes for stacks"
    )
    heat = _user(keystone, HEAT_USER, passwords.heat, DEFAULT_DOMAIN_ID)
    person = _user(keystone, USER_NAME, passwords.person, DEFAULT_DOMAIN_ID)
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
    # Clients of earlier releases, which Heat uses, find Cinder by its older type.
    for kind, url in {**endpoints, "volumev3": endpoints["block-storage"]}.items():
        service = (kind == "identity" and there) or keystone.create_object("service", type=kind, name=kind)
        for interface in interfaces:
            keystone.create_object(
                "endpoint", service_id=service, interface=interface, region_id=REGION_NAME, url=url
            )
