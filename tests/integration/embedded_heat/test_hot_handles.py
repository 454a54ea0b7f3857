"""Every way that a HOT wait handle can be signalled, and what its user may do."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Mapping

import pytest
import requests

from guestagent.embedded import Serving
from tests.support.heat_requests import Document, HeatRequests, get_fake_cloud

pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


def build_handles(transport: str) -> Document:
    """A handle of this kind and its condition."""
    return {
        "heat_template_version": "2018-08-31",
        "resources": {
            "Handle": {
                "type": "OS::Heat::WaitConditionHandle",
                "properties": {"signal_transport": transport},
            },
            "Condition": {
                "type": "OS::Heat::WaitCondition",
                "properties": {"handle": {"get_resource": "Handle"}, "timeout": 60},
            },
        },
    }


def list_handle_attributes(cloud: Serving, heat: HeatRequests) -> dict[str, str]:
    """Return the handle's attribute from the engine, because reading it from a stack in progress is unsafe."""
    heat.wait_for_resource("prod", "Handle", "CREATE_COMPLETE")
    engine = get_fake_cloud(cloud).engine
    stack = engine.find_stack("prod")
    attributes = engine.build_scope(stack).list_attributes(stack.resources["Handle"])
    return {name: str(value) for name, value in attributes.items()}


def read_signal_document(cloud: Serving, heat: HeatRequests, transport: str) -> dict[str, str]:
    """The handle's `signal` attribute, read."""
    handle: dict[str, str] = json.loads(list_handle_attributes(cloud, heat)["signal"])
    return handle


def build_login(login: Mapping[str, str]) -> Document:
    user = {"id": login["user_id"], "password": login["password"]}
    identity = {"methods": ["password"], "password": {"user": user}}
    return {"auth": {"identity": identity, "scope": {"project": {"id": login["project_id"]}}}}


def request_token(login: Mapping[str, str]) -> dict[str, str]:
    """The header that a handle's credentials give."""
    answer = requests.post(f"{login['auth_url']}/auth/tokens", json=build_login(login), timeout=60)
    assert answer.status_code == 201, answer.text
    return {"X-Auth-Token": answer.headers["X-Subject-Token"]}


def test_the_cfn_url_of_a_hot_handle_wants_its_own_keys(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_handles("CFN_SIGNAL"))
    url = read_signal_document(cloud, heat, "CFN_SIGNAL")["alarm_url"]

    wrong = requests.put(url, data='{"Status": "SUCCESS"}', timeout=60)
    right = requests.put(url, data="{}", timeout=60)

    assert (wrong.status_code, "Metadata format invalid" in wrong.text) == (500, True)
    assert (right.status_code, right.text) == (200, "<resource>Handle</resource>")
    heat.wait("prod", "CREATE_COMPLETE")


def test_a_heat_signal_is_given_with_the_credentials_of_its_user(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_handles("HEAT_SIGNAL"))
    login = read_signal_document(cloud, heat, "HEAT_SIGNAL")
    token = request_token(login)

    answer = requests.post(login["alarm_url"], json={"id": "n", "data": 7}, headers=token, timeout=60)

    assert (answer.status_code, answer.json()) == (200, None)
    heat.wait("prod", "CREATE_COMPLETE")
    signals = [e for e in heat.events("prod") if e["resource_status"] == "SIGNAL_COMPLETE"]
    assert [event["resource_status_reason"] for event in signals] == [
        "Signal: status:SUCCESS reason:Signal 1 received"
    ]


def test_a_token_signal_is_given_with_the_token_that_the_handle_shows(
    cloud: Serving, heat: HeatRequests
) -> None:
    heat.create("prod", build_handles("TOKEN_SIGNAL"))
    attributes = list_handle_attributes(cloud, heat)

    failure = '{"status": "FAILURE", "reason": "no room"}'
    command = [*shlex.split(attributes["curl_cli"]), "--silent", "--data-binary", failure]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)

    assert attributes["signal"] == "null"
    assert attributes["token"] in attributes["curl_cli"]
    assert "200 OK" in answer.stdout
    heat.wait("prod", "CREATE_FAILED")
    assert str(heat.find_stack("prod")["stack_status_reason"]).endswith("resources.Condition: no room")


def test_a_stacks_user_may_do_nothing_else(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_handles("HEAT_SIGNAL"))
    login = read_signal_document(cloud, heat, "HEAT_SIGNAL")
    token, resource = request_token(login), login["alarm_url"].removesuffix("/signal")
    stack = resource.rpartition("/resources/")[0]
    endpoint = heat.connection.orchestration.get_endpoint()

    answers = {
        "its handle's metadata": requests.get(f"{resource}/metadata", headers=token, timeout=60),
        "another's metadata": requests.get(
            f"{stack}/resources/Condition/metadata", headers=token, timeout=60
        ),
        "its own resource": requests.get(resource, headers=token, timeout=60),
        "the stack": requests.get(stack, headers=token, timeout=60),
        "deleting": requests.delete(stack, headers=token, timeout=60),
        "the project": requests.get(f"{endpoint}/stacks", headers=token, timeout=60),
        "signalling what takes none": requests.post(
            f"{stack}/resources/Condition/signal", headers=token, timeout=60
        ),
        "no token": requests.get(f"{resource}/metadata", timeout=60),
    }

    assert {request: answer.status_code for request, answer in answers.items()} == {
        "its handle's metadata": 403,
        "another's metadata": 403,
        "its own resource": 403,
        "the stack": 403,
        "deleting": 403,
        "the project": 403,
        "signalling what takes none": 400,
        "no token": 401,
    }


def test_a_user_goes_with_its_handle(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_handles("HEAT_SIGNAL"))
    login = read_signal_document(cloud, heat, "HEAT_SIGNAL")
    token = request_token(login)

    heat.delete("prod")
    heat.wait_until(lambda: heat.find_status("prod") is None)

    assert requests.post(login["alarm_url"], json={}, headers=token, timeout=60).status_code == 401
    assert (
        requests.post(f"{login['auth_url']}/auth/tokens", json=build_login(login), timeout=60).status_code
        == 401
    )


@pytest.mark.parametrize(
    ("body", "kind", "code", "status"),
    [
        (b"[1]", "application/json", 200, "CREATE_COMPLETE"),
        (b"", "", 200, "CREATE_COMPLETE"),
        (b'{"status": "SUCCESS"}', "text/plain", 200, "CREATE_COMPLETE"),
        (b'{"status": "FAILURE"}', "application/x-www-form-urlencoded", 200, "CREATE_COMPLETE"),
        (b'{"Status": "SUCCESS"}', "application/json", 200, "CREATE_IN_PROGRESS"),
        (b'{"status": "success"}', "application/json", 200, "CREATE_IN_PROGRESS"),
        (b"{", "application/json", 400, "CREATE_IN_PROGRESS"),
    ],
)
def test_the_response_to_a_rest_signal_does_not_show_its_acceptance(
    cloud: Serving, heat: HeatRequests, body: bytes, kind: str, code: int, status: str
) -> None:
    heat.create("prod", build_handles("HEAT_SIGNAL"))
    login = read_signal_document(cloud, heat, "HEAT_SIGNAL")
    heat.wait_for_resource("prod", "Condition", "CREATE_IN_PROGRESS")

    headers = {**request_token(login), **({"Content-Type": kind} if kind else {})}
    answer = requests.post(login["alarm_url"], data=body, headers=headers, timeout=60)

    assert answer.status_code == code
    heat.wait("prod", status)


def test_no_signal_has_nothing_to_say(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_handles("NO_SIGNAL"))

    assert read_signal_document(cloud, heat, "NO_SIGNAL") == {}
