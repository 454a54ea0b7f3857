"""Pauses that services ask for: how long, for whom, and never without an end."""

from __future__ import annotations

import pytest
import requests
from keystoneauth1 import exceptions as keystone

from guestagent.controller.openstack_session import send_request
from guestagent.controller.service_pauses import (
    EVERY_SERVICE,
    PAUSE_LIMIT_S,
    ServicePauses,
    find_pause_s,
    read_retry_after,
)
from guestagent.errors import CloudUnreachable
from guestagent.resources.store.store_clock import ManualClock


class Adapter:
    """One service of a session: it answers with `answer`, and counts the requests that arrive."""

    def __init__(self, answer: requests.Response | Exception) -> None:
        self.answer, self.count = answer, 0

    def request(self, path: str, method: str, **more: object) -> requests.Response:
        self.count += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Session:
    """A connection with two services, which answer alike."""

    def __init__(self, answer: requests.Response | Exception) -> None:
        self.compute, self.network = Adapter(answer), Adapter(answer)

    def ask(self, service: str) -> object:
        return send_request(self, service, "GET", "/", "looking")  # type: ignore[arg-type]


def build_response(status: int, retry_after: str | None = None) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    if retry_after is not None:
        response.headers["Retry-After"] = retry_after
    return response


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("30", 30.0), (" 5 ", 5.0), (None, 0.0), ("", 0.0), ("Sun, 29 Nov 2026 18:00:00 GMT", 0.0), ("-1", 0.0)],
)
def test_a_service_says_when_to_come_back(value: str | None, seconds: float) -> None:
    assert read_retry_after(value) == seconds


def test_a_pause_ends() -> None:
    clock = ManualClock()
    pauses = ServicePauses(clock.now)
    pauses.note("compute", 20)

    clock.sleep(15)

    assert (pauses.find_remaining_s("compute"), pauses.find_remaining_s("network")) == (5, 0)
    clock.sleep(6)
    assert pauses.find_remaining_s("compute") == 0


def test_a_pause_has_a_limit_and_gets_no_shorter() -> None:
    pauses = ServicePauses(ManualClock().now)
    pauses.note("compute", 7200)
    pauses.note("compute", 1)

    assert pauses.find_remaining_s("compute") == PAUSE_LIMIT_S


def test_keystones_pause_is_everybodys() -> None:
    pauses = ServicePauses(ManualClock().now)
    pauses.note(EVERY_SERVICE, 20)

    assert pauses.find_remaining_s("compute") == 20


@pytest.mark.parametrize("status", [429, 503])
def test_no_request_is_sent_to_a_service_that_wants_a_pause(status: int) -> None:
    session = Session(build_response(status, "90"))
    session.ask("compute")

    with pytest.raises(CloudUnreachable, match="pause") as caught:
        session.ask("compute")

    assert 0 < find_pause_s(caught.value) <= 90
    assert session.compute.count == 1
    session.ask("network")
    assert session.network.count == 1


@pytest.mark.parametrize("answer", [build_response(503), build_response(413, "90"), build_response(429, "0")])
def test_other_answers_begin_no_pause(answer: requests.Response) -> None:
    session = Session(answer)

    session.ask("compute")
    session.ask("compute")

    assert session.compute.count == 2


def test_keystone_that_wants_a_pause_stops_requests_to_all_services() -> None:
    session = Session(keystone.ServiceUnavailable(response=build_response(503, "90")))

    for service in ("compute", "network"):
        with pytest.raises(CloudUnreachable):
            session.ask(service)

    assert (session.compute.count, session.network.count) == (1, 0)
