"""Outages of the embedded cloud, which a test or an operator begins."""

from __future__ import annotations

import pytest
import requests

from guestagent.embedded import Serving
from tests.support.cfn_cluster_stack import build_template, find_handle_url
from tests.support.heat_requests import Document, HeatRequests, put_json

# openstacksdk warns of itself at every connect and request; the class above its warnings is private.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


def test_an_outage_that_refuses_ends_by_itself(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_template())
    url = find_handle_url(cloud, "prod", "Master0000ReadyWaitCondHandle")

    cloud.fault("cfn", "refuse", 0.5)

    with pytest.raises(requests.ConnectionError):
        put_json(url)
    heat.wait_until(lambda: is_accepted(url))


def test_an_outage_is_begun_and_ended_over_http(cloud: Serving, heat: HeatRequests) -> None:
    body = {"service": "heat", "mode": "503", "seconds": 60, "method": "POST"}
    token = {"X-Auth-Token": str(heat.connection.auth_token)}
    admin = str(heat.connection.endpoint_for("embedded"))

    started = requests.post(f"{admin}/faults", json=body, headers=token, timeout=60)
    during = heat.post("/validate", {"template": build_template()})
    stopped = requests.delete(f"{admin}/faults", headers=token, timeout=60)
    after = heat.post("/validate", {"template": build_template()})

    assert (started.status_code, stopped.status_code) == (202, 204)
    assert (during.status_code, after.status_code) == (503, 200)


@pytest.mark.parametrize(
    "wrong", [{"mode": "sulk"}, {"times": 0}, {"times": "two"}, {"method": 1}, {"mode": "refuse", "times": 1}]
)
def test_an_outage_that_makes_no_sense_is_refused(
    cloud: Serving, heat: HeatRequests, wrong: Document
) -> None:
    body = {"service": "heat", "mode": "503", "seconds": 60, **wrong}
    token = {"X-Auth-Token": str(heat.connection.auth_token)}

    answer = requests.post(
        f"{heat.connection.endpoint_for('embedded')}/faults", json=body, headers=token, timeout=60
    )

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_while_keystone_is_down_a_good_signal_is_an_empty_500(cloud: Serving, heat: HeatRequests) -> None:
    heat.create("prod", build_template())
    url = find_handle_url(cloud, "prod", "Master0000ReadyWaitCondHandle")

    cloud.fault("keystone", "503", 0.3)
    during = put_json(url)
    heat.wait_until(lambda: put_json(url).status_code == 200)

    assert (during.status_code, during.text) == (500, "")


def is_accepted(url: str) -> bool:
    try:
        return put_json(url).status_code == 200
    except requests.ConnectionError:
        return False
