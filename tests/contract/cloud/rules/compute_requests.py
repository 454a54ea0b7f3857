"""Nova: what all requests have alike: versions, request ids, tokens, and a limit of length."""

from __future__ import annotations

from tests.contract.cloud.client import COMPUTE
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import CloudScope
from tests.contract.cloud.server_requests import build_request, describe_answer
from tests.contract.rule import Observation

area = CloudRuleArea("requests to compute")
REQUEST_ID = "x-openstack-request-id"


def build_version_answers(newest: str) -> dict[str, object]:
    """Return the answers of a Nova whose newest microversion is this one."""
    return {
        "too new": f"406 Version 2.999 is not supported by the API. Minimum is 2.1 and maximum is {newest}.",
        "rubbish": "400 badRequest: API Version String abc is of invalid format. Must be of format "
        "MajorNum.MinorNum.",
        "answered with": "compute 2.60",
        "the newest": f"compute {newest}",
        "document": [newest, "2.1", "CURRENT"],
    }


@area.rule_of_scope(build_version_answers("2.93"), build_version_answers("2.104"))
def a_microversion_that_nova_does_not_have_is_406(scope: CloudScope) -> Observation:
    def ask(version: str) -> str:
        answer = scope.send(COMPUTE, "GET", "/flavors", version=version)
        if answer.ok:
            return str(answer.headers["OpenStack-API-Version"])
        if answer.status_code == 406:
            error = answer.json().get("computeFault") or answer.json()["errors"][0]
            return f"406 {error.get('message') or error['title']}"
        return describe_answer(answer)

    document = scope.read(COMPUTE, "/")["version"]
    return {
        "too new": ask("2.999"),
        "rubbish": ask("abc"),
        "answered with": ask("2.60"),
        "the newest": ask("latest"),
        "document": [document[key] for key in ("version", "min_version", "status")],
    }


@area.rule_of_scope({"list": True, "refusal": True, "creation": True, "different": True})
def each_answer_has_a_request_id(scope: CloudScope) -> Observation:
    answers = [
        scope.send(COMPUTE, "GET", "/servers"),
        scope.send(COMPUTE, "GET", "/servers/no-such"),
        scope.request_creation("server", scope.build_server()),
    ]
    ids = [answer.headers.get(REQUEST_ID, "") for answer in answers]
    return {
        **{
            name: value.startswith("req-")
            for name, value in zip(("list", "refusal", "creation"), ids, strict=True)
        },
        "different": len(set(ids)) == len(ids),
    }


@area.rule_of_scope(
    {
        "no token": ["401 error: The request you have made requires authentication.", True],
        "bad token": ["401 error: The request you have made requires authentication.", True],
    }
)
def a_request_without_a_valid_token_is_401_and_names_keystone(scope: CloudScope) -> Observation:
    session = scope.cloud.session
    url = f"{session.get_endpoint(service_type=COMPUTE)}/servers"

    def ask(headers: dict[str, str]) -> list[object]:
        answer = session.request(url, "GET", headers=headers, authenticated=False, raise_exc=False)
        return [describe_answer(answer), "Keystone uri=" in answer.headers.get("WWW-Authenticate", "")]

    return {"no token": ask({}), "bad token": ask({"X-Auth-Token": "no-such"})}


@area.rule_of_scope([413, True])
def a_request_longer_than_114688_bytes_is_413(scope: CloudScope) -> Observation:
    answer = scope.request_creation("server", build_request(scope, description="x" * 114688))
    return [answer.status_code, "Request is too large." in answer.text]


@area.rule_of_scope(
    {
        "short": ["description", "id", "links", "name"],
        "by its name": "404 itemNotFound: Flavor m1.tiny could not be found.",
    }
)
def the_short_list_of_flavors_has_their_names_alone(scope: CloudScope) -> Observation:
    return {
        "short": sorted(scope.read(COMPUTE, "/flavors")["flavors"][0]),
        "by its name": describe_answer(scope.send(COMPUTE, "GET", "/flavors/m1.tiny")),
    }
