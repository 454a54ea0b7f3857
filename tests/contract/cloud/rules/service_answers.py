"""Cinder and Neutron: what belongs to every answer, and requests of nobody."""

from __future__ import annotations

import json
import re
from contextlib import closing
from functools import partial
from http.client import HTTPConnection
from urllib.parse import urlsplit

import requests

from tests.contract.cloud.client import NETWORK, VOLUME, build_name
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import CloudScope
from tests.contract.rule import Observation

area = CloudRuleArea("answers of Cinder and Neutron")
PLACES = ((VOLUME, "/volumes"), (NETWORK, "/v2.0/ports"))
ANSWER_TIMEOUT_S = 60
UNKNOWN = "00000000-0000-0000-0000-000000000001"


def send_with_token(scope: CloudScope, service: str, path: str, token: str | None) -> requests.Response:
    endpoint = scope.cloud.session.get_endpoint(service_type=service)
    headers = {} if token is None else {"X-Auth-Token": token}
    with requests.Session() as session:
        session.trust_env = False
        return session.get(f"{endpoint}{path}", headers=headers, timeout=ANSWER_TIMEOUT_S)


@area.rule_of_scope([401, 401])
def an_unknown_token_is_401(scope: CloudScope) -> Observation:
    return [send_with_token(scope, *place, token="unknown").status_code for place in PLACES]


@area.rule_of_scope([401, 401])
def a_request_without_a_token_is_401(scope: CloudScope) -> Observation:
    return [send_with_token(scope, *place, token=None).status_code for place in PLACES]


@area.rule_of_scope([[True, True], [True, True]])
def each_answer_has_the_id_of_its_request(scope: CloudScope) -> Observation:
    """That of a refusal, too."""

    def has_id(service: str, path: str) -> bool:
        request_id = scope.send(service, "GET", path).headers.get("x-openstack-request-id", "")
        return re.fullmatch(r"req-[0-9a-f-]{36}", request_id) is not None

    return [[has_id(service, path), has_id(service, f"{path}/{UNKNOWN}")] for service, path in PLACES]


@area.rule_of_scope([True, False])
def cinder_has_the_id_in_a_second_header(scope: CloudScope) -> Observation:
    answers = [scope.send(service, "GET", path).headers for service, path in PLACES]
    return [each.get("x-compute-request-id") == each["x-openstack-request-id"] for each in answers]


@area.rule_of_scope("413")
def a_request_of_cinder_is_not_longer_than_112_kib(scope: CloudScope) -> Observation:
    body = {"volume": {"name": "x" * 200_000, "size": 1}}
    return str(scope.send(VOLUME, "POST", "/volumes", body).status_code)


def send_and_leave(scope: CloudScope, service: str, path: str, body: object) -> None:
    """Send a request, and close the connection without a look at the answer."""
    session = scope.cloud.session
    url = urlsplit(f"{session.get_endpoint(service_type=service)}{path}")
    headers = {"X-Auth-Token": str(session.get_token()), "Content-Type": "application/json"}
    with closing(HTTPConnection(str(url.hostname), url.port, timeout=ANSWER_TIMEOUT_S)) as connection:
        connection.request("POST", url.path, json.dumps(body), headers)


@area.rule_of_scope(["1", "1"])
def a_request_takes_effect_though_nobody_waits_for_the_answer(scope: CloudScope) -> Observation:
    """A client whose connection is cut must look for what it has asked for."""
    name = build_name()
    places: tuple[tuple[str, str, str, str, dict[str, object]], ...] = (
        (VOLUME, "/volumes", "volume", "volumes", {"size": 1}),
        (NETWORK, "/v2.0/security-groups", "security_group", "security_groups", {}),
    )

    def count(service: str, path: str, key: str) -> str:
        return str(len(scope.read(service, f"{path}?name={name}")[key]))

    seen = []
    for service, path, kind, key, values in places:
        send_and_leave(scope, service, path, {kind: {"name": name, **values}})
        seen.append(scope.await_value(partial(count, service, path, key), "1"))
        created = scope.find_id(service, f"{path}?name={name}", key, name)
        scope.note_created(kind, scope.send(service, "GET", f"{path}/{created}"))
    return seen
