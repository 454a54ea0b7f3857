"""Heat over openstacksdk's adapter: the requests, and the translation of the SDK's errors."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from keystoneauth1 import exceptions as keystone
from keystoneauth1.session import Session
from openstack.exceptions import ConfigException

from guestagent.controller import Resource, Stack, connect
from guestagent.controller.openstack_heat import OpenStackHeat
from guestagent.errors import CloudError, CloudRefused, CloudUnreachable
from guestagent.secret import Secret

STACK = Stack("id-1", "db", "CREATE_COMPLETE")


def build_response(code: int, body: object) -> requests.Response:
    response = requests.Response()
    response.status_code, response.reason = code, "reason"
    response._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return response


class Adapter:
    """Answers every request alike, and remembers them."""

    def __init__(self, result: requests.Response | Exception) -> None:
        self.result = result
        self.asked: list[tuple[str, str, dict[str, Any]]] = []

    def request(self, path: str, method: str, **more: Any) -> requests.Response:
        self.asked.append((method, path, more))
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


class Connection:
    def __init__(self, result: requests.Response | Exception) -> None:
        self.orchestration, self.session = Adapter(result), Session()


def open_heat(result: requests.Response | Exception) -> tuple[OpenStackHeat, Adapter]:
    connection = Connection(result)
    return OpenStackHeat(connection), connection.orchestration  # type: ignore[arg-type]


def test_stacks_are_listed_by_their_names() -> None:
    entry = {"id": "id-1", "stack_name": "db", "stack_status": "UPDATE_FAILED", "stack_status_reason": "why"}
    heat, adapter = open_heat(build_response(200, {"stacks": [entry | {"updated_time": "then"}]}))

    result = heat.stacks("db", "other")

    assert result == (Stack("id-1", "db", "UPDATE_FAILED", "why", "then"),)
    assert adapter.asked[0][:2] == ("GET", "/stacks")
    assert adapter.asked[0][2]["params"] == [("name", "db"), ("name", "other")]


def test_what_heat_leaves_out_is_empty() -> None:
    entry = {
        "id": "id-1",
        "stack_name": "db",
        "stack_status": "X",
        "stack_status_reason": None,
        "updated_time": None,
    }
    heat, _ = open_heat(build_response(200, {"stacks": [entry]}))

    assert heat.stacks("db") == (Stack("id-1", "db", "X"),)


@pytest.mark.parametrize(
    ("detailed", "params"),
    [(False, [("type", "WaitCondition")]), (True, [("type", "WaitCondition"), ("with_detail", "true")])],
)
def test_conditions_come_plain_or_with_details(detailed: bool, params: object) -> None:
    entry = {"resource_name": "W", "resource_status": "CREATE_COMPLETE", "resource_status_reason": "r"}
    heat, adapter = open_heat(build_response(200, {"resources": [entry | {"attributes": {"Data": "{}"}}]}))

    result = heat.detailed(STACK) if detailed else heat.resources(STACK)

    assert result == (Resource("W", "CREATE_COMPLETE", "r", {"Data": "{}"}),)
    assert adapter.asked[0][:2] == ("GET", "/stacks/db/id-1/resources")
    assert adapter.asked[0][2]["params"] == params


def test_outputs_come_by_name() -> None:
    outputs = [{"output_key": "A", "output_value": "10.0.0.1"}, {"output_key": "B", "output_error": "no"}]
    heat, _ = open_heat(build_response(200, {"stack": {"outputs": outputs}}))

    assert heat.outputs(STACK) == {"A": "10.0.0.1", "B": None}


def test_a_stack_is_launched_without_rollback_and_with_its_timeout() -> None:
    heat, adapter = open_heat(build_response(201, {"stack": {"id": "id-2"}}))

    assert heat.create("db", {"Resources": {}}, 33) == "id-2"

    method, path, more = adapter.asked[0]
    assert (method, path) == ("POST", "/stacks")
    assert more["json"] == {
        "stack_name": "db",
        "template": {"Resources": {}},
        "timeout_mins": 33,
        "disable_rollback": True,
    }


def test_the_adapter_tries_nothing_again_by_itself() -> None:
    heat, adapter = open_heat(build_response(202, b""))

    heat.update(STACK, {}, 1)

    assert adapter.asked[0][2]["connect_retries"] == 0
    assert adapter.asked[0][2]["timeout"] == 60


def test_deleting_what_is_gone_is_fine() -> None:
    heat, adapter = open_heat(build_response(404, {"error": {"message": "not found"}}))

    heat.delete(STACK)

    assert adapter.asked[0][:2] == ("DELETE", "/stacks/db/id-1")


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_an_answer_that_asks_to_come_back_is_unreachable(code: int) -> None:
    heat, _ = open_heat(build_response(code, {"error": {"message": "busy", "type": "RemoteError"}}))

    with pytest.raises(CloudUnreachable, match=f"listing stacks: Heat returned {code}: busy"):
        heat.stacks("db")


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409])
def test_a_rejected_request_is_refused_with_heats_message(code: int) -> None:
    heat, _ = open_heat(build_response(code, {"error": {"message": "Property error: X"}}))

    with pytest.raises(CloudRefused, match=f"launching stack db: Heat returned {code}: Property error: X"):
        heat.create("db", {}, 1)


def test_a_dependency_cycle_is_refused_although_heat_returns_500() -> None:
    error = {"message": "Circular Dependency Found", "type": "CircularDependencyException"}
    heat, _ = open_heat(build_response(500, {"error": error}))

    with pytest.raises(CloudRefused, match="Circular Dependency Found"):
        heat.create("db", {}, 1)


@pytest.mark.parametrize("body", [b"<html>proxy</html>", b"", [1], {"error": "text"}, {}])
def test_a_refusal_in_another_form_is_still_reported(body: object) -> None:
    heat, _ = open_heat(build_response(403, body))

    with pytest.raises(CloudRefused, match="Heat returned 403: reason"):
        heat.stacks("db")


def test_an_answer_that_is_no_json_is_not_heats() -> None:
    heat, _ = open_heat(build_response(200, b"<html>"))

    with pytest.raises(CloudUnreachable, match="the response is incomplete, or not Heat's"):
        heat.stacks("db")


@pytest.mark.parametrize(
    ("error", "translated_type"),
    [
        (keystone.ConnectFailure("cut"), CloudUnreachable),
        (keystone.ConnectTimeout("slow"), CloudUnreachable),
        (keystone.UnknownConnectionError("odd", OSError()), CloudUnreachable),
        (keystone.ServiceUnavailable("keystone"), CloudUnreachable),
        (keystone.DiscoveryFailure("no versions"), CloudUnreachable),
        (keystone.SSLError("bad certificate"), CloudRefused),
        (keystone.Unauthorized("wrong password"), CloudRefused),
        (keystone.EndpointNotFound("no orchestration"), CloudRefused),
        (ConfigException("no cloud"), CloudRefused),
    ],
)
def test_errors_of_the_sdk_are_translated_at_once(
    error: Exception, translated_type: type[CloudError]
) -> None:
    heat, _ = open_heat(error)

    with pytest.raises(translated_type, match="listing stacks: "):
        heat.stacks("db")


def test_a_wrong_password_is_reported_with_its_remedy() -> None:
    heat, _ = open_heat(keystone.Unauthorized("The request you have made requires authentication."))

    with pytest.raises(CloudRefused, match=r"Keystone rejects this user, .*: see clouds\.yaml"):
        heat.stacks("db")


@pytest.mark.parametrize("kind", ["", "Limited"])
def test_a_failed_connection_is_reported_with_the_systems_message(kind: str) -> None:
    insides = (
        f"Unable to establish connection to http://h:5000/v3: {kind}HTTPConnectionPool(host='h', port=5000): Max "
        f"retries exceeded with url: /v3 (Caused by NewConnectionError(\"{kind}HTTPConnection(host='h', port=5000): "
        'Failed to establish a new connection: [Errno 111] Connection refused"))'
    )
    heat, _ = open_heat(keystone.ConnectFailure(insides))

    with pytest.raises(CloudUnreachable) as refused:
        heat.stacks("db")

    assert str(refused.value) == (
        "listing stacks: Unable to establish connection to http://h:5000/v3: [Errno 111] Connection refused"
    )


def test_a_cloud_that_is_not_configured_is_refused_with_those_that_are() -> None:
    with pytest.raises(
        CloudRefused, match=r"finding the cloud: Cloud no-such-cloud was not found.*No clouds.yaml"
    ):
        connect("no-such-cloud")


HIDDEN = {"Slave0001Password": Secret("s3cret")}
IN_CFN: dict[str, Any] = {"Parameters": {"P": {}}}
IN_HOT: dict[str, Any] = {"parameters": {"P": {}}}


@pytest.mark.parametrize(("template", "method"), [({}, "PUT"), (IN_CFN, "PATCH"), (IN_HOT, "PATCH")])
def test_an_update_of_a_template_with_parameters_is_a_patch(template: dict[str, Any], method: str) -> None:
    heat, adapter = open_heat(build_response(202, None))

    heat.update(STACK, template, 7)

    [(used, path, request)] = adapter.asked
    assert (used, path) == (method, "/stacks/db/id-1")
    assert "parameters" not in request["json"]


def test_hidden_parameters_go_by_a_request_that_the_library_does_not_log() -> None:
    heat, adapter = open_heat(build_response(201, {"stack": {"id": "id-1"}}))

    heat.create("db", IN_HOT, 7, HIDDEN)

    [(_, _, request)] = adapter.asked
    assert request["json"]["parameters"] == {"Slave0001Password": "s3cret"}
    assert request["log"] is False


def test_a_refusal_that_quotes_a_hidden_parameter_is_reported_without_it() -> None:
    heat, _ = open_heat(build_response(400, {"error": {"message": "'s3cret' is no password", "type": "X"}}))

    with pytest.raises(CloudRefused, match=r"Heat returned 400: '\*+' is no password"):
        heat.update(STACK, IN_CFN, 7, HIDDEN)


def test_what_heat_offers_is_a_set_of_names() -> None:
    heat, _ = open_heat(build_response(200, {"resource_types": ["OS::Heat::Value"]}))
    assert heat.resource_types() == {"OS::Heat::Value"}

    heat, _ = open_heat(
        build_response(200, {"template_versions": [{"version": "v.1", "type": "hot", "aliases": []}]})
    )
    assert heat.template_versions() == {"v.1"}


def test_a_resource_is_marked_by_its_name() -> None:
    heat, adapter = open_heat(build_response(200, None))

    heat.mark_resource(STACK, "Slave0000", "its host is gone", is_unhealthy=True)

    method, path, request = adapter.asked[0]
    assert (method, path) == ("PATCH", "/stacks/db/id-1/resources/Slave0000")
    assert request["json"] == {"mark_unhealthy": True, "resource_status_reason": "its host is gone"}
