"""The presigned URL of a CFN wait handle: bodies, content types, signatures and expiry."""

from __future__ import annotations

import json
from datetime import timedelta

import openstack
import pytest
import requests

from guestagent.embedded import Serving, serving
from guestagent.embedded.process.cloud_settings import CloudSettings
from tests.support.cfn_cluster_stack import build_template, create_ready_stack, find_handle_url, send_signal
from tests.support.heat_requests import (
    BODY,
    HeatRequests,
    check_rows,
    get_attributes,
    get_fake_cloud,
    put_json,
)

# openstacksdk warns of itself at every connect and request; the class above its warnings is private.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (BODY, 200, "<resource>Master0000ReadyWaitCondHandle</resource>"),
        ({**BODY, "Data": {"any": [1, None]}}, 200, "<resource>"),
        (
            {**BODY, "Status": "DONE"},
            500,
            "ValueError: resources.Master0000ReadyWaitCondHandle: Metadata format",
        ),
        ({**BODY, "Extra": 1}, 500, "Metadata format invalid"),
        ({"Status": "SUCCESS"}, 500, "Metadata format invalid"),
        ({key.lower(): value for key, value in BODY.items()}, 500, "Metadata format invalid"),
        ([], 500, ""),
        (None, 500, ""),
        ("text", 500, ""),
    ],
)
def test_a_handle_answers_a_body_as_heat_does(
    cloud: Serving, heat: HeatRequests, body: object, code: int, message: str
) -> None:
    heat.create("prod", build_template())
    url = find_handle_url(cloud, "prod", "Master0000ReadyWaitCondHandle")

    answer = put_json(url, body)

    assert answer.status_code == code
    assert message in answer.text
    assert bool(message) == bool(answer.text)


def test_everything_that_breaks_a_signature_is_the_same_403(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_template())
    url = find_handle_url(cloud, "prod", "Master0000ReadyWaitCondHandle")
    body = json.dumps(BODY)
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    responses = [
        requests.put(url, data=body, headers=form, timeout=60),
        requests.put(url + "&extra=1", data=body, timeout=60),
        requests.put(url.replace("Signature=", "Signature=A"), data=body, timeout=60),
        requests.put(url, data=body, headers={"Host": "elsewhere"}, timeout=60),
        requests.post(url, data=body, timeout=60),
        requests.get(url, timeout=60),
    ]

    assert [answer.status_code for answer in responses] == [403] * 6
    assert {answer.text for answer in responses} == {
        "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
        "<Message>User is not authorized to perform action</Message></Error></ErrorResponse>"
    }
    unsigned = requests.put(url.partition("?")[0], data=body, timeout=60)
    assert (unsigned.status_code, "IncompleteSignature" in unsigned.text) == (400, True)


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/xml", "multipart/form-data"])
def test_a_content_type_that_heat_cannot_read_is_an_empty_500(
    cloud: Serving, heat: HeatRequests, kind: str
) -> None:
    heat.create("prod", build_template())
    url = find_handle_url(cloud, "prod", "Master0000ReadyWaitCondHandle")

    answer = requests.put(url, data=json.dumps(BODY), headers={"Content-Type": kind}, timeout=60)

    assert (answer.status_code, answer.text) == (500, "")


def test_a_presigned_url_expires() -> None:
    impatient = CloudSettings(auth_ttl=timedelta(seconds=-1))
    with serving(settings=impatient) as cloud, openstack.connect(**cloud.connect) as connection:
        heat = HeatRequests(connection)
        heat.create("prod", build_template())

        answer = put_json(find_handle_url(cloud, "prod", "Master0000ReadyWaitCondHandle"))

        assert answer.status_code == 403


def test_signals_after_completion_are_taken_and_change_nothing_but_the_data(
    cloud: Serving, heat: HeatRequests
) -> None:
    create_ready_stack(cloud, heat, "prod", build_template())

    send_signal(cloud, "prod", "Master0000ReadyWaitCondHandle", status="FAILURE", unique="late", data="why")

    detail = heat.get("prod", "/resources?type=WaitCondition&with_detail=true")["resources"]
    [condition] = [row for row in check_rows(detail) if row["resource_name"] == "Master0000ReadyWaitCond"]
    assert condition["resource_status"] == "CREATE_COMPLETE"
    assert json.loads(get_attributes(condition)["Data"])["late"] == "why"
    assert cloud.dangerous_reads == [], "a detailed read is fine once the stack rests"


def test_no_signature_and_no_password_reaches_the_log(
    cloud: Serving, heat: HeatRequests, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "guestagent")
    heat.create("prod", build_template())
    url = find_handle_url(cloud, "prod", "Master0000ReadyWaitCondHandle")

    put_json(url)
    heat.wait_until(lambda: "/v1/waitcondition/arn:openstack:heat" in caplog.text)

    assert "Signature" not in caplog.text
    assert get_fake_cloud(cloud).identity.password.reveal() not in caplog.text
