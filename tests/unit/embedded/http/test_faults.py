"""Which requests suffer from an outage, and when it is over."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest

from guestagent.embedded.http.faults import ActiveFaults, Fault, FaultMode
from guestagent.embedded.http.service_names import ServiceName

LATER = math.inf


def faults(*begun: Fault) -> ActiveFaults:
    made = ActiveFaults()
    for fault in begun:
        made.start(fault)
    return made


def test_a_fault_affects_every_request_to_its_service_and_no_other() -> None:
    now = faults(fault := Fault("heat", "503", LATER))

    assert now.take_fault("heat", "GET") is fault
    assert now.take_fault("cfn", "PUT") is None


def test_requests_by_another_method_are_not_affected() -> None:
    now = faults(Fault("heat", "503", LATER, method="POST"))

    assert now.take_fault("heat", "GET") is None
    assert now.take_fault("heat", "POST") is not None


def test_a_fault_ends_after_its_number_of_requests() -> None:
    now = faults(Fault("heat", "503", LATER, method="POST", times=2))

    suffered = [now.take_fault("heat", method) is not None for method in ("POST", "GET", "POST", "POST")]

    assert suffered == [True, False, True, False]


def test_a_fault_ends_at_its_time_or_when_it_is_cleared() -> None:
    assert faults(Fault("heat", "503", time.monotonic())).take_fault("heat", "GET") is None

    now = faults(Fault("heat", "503", LATER))
    now.clear()

    assert now.take_fault("heat", "GET") is None


def test_a_newer_fault_counts_from_the_beginning() -> None:
    now = faults(Fault("heat", "503", LATER, times=1))
    now.take_fault("heat", "GET")
    now.start(newer := Fault("heat", "401", LATER, times=1))

    assert now.take_fault("heat", "GET") is newer


@pytest.mark.parametrize(
    ("mode", "down"),
    [("refuse", True), ("500", True), ("503", True), ("slow", False), ("lost", False), ("401", False)],
)
def test_other_services_get_no_response_from_one_that_is_down(mode: FaultMode, down: bool) -> None:
    assert faults(Fault("keystone", mode, LATER)).is_down("keystone") is down


def test_a_service_that_fails_at_some_requests_only_is_not_down() -> None:
    assert not faults(Fault("keystone", "503", LATER, method="POST")).is_down("keystone")


def test_faults_of_different_requests_are_independent() -> None:
    now = faults(
        lost := Fault("nova", "lost", LATER, method="POST", path="/servers$"),
        Fault("nova", "429", LATER, method="GET"),
    )

    assert now.take_fault("nova", "POST", "/v2.1/servers") is lost
    assert now.take_fault("nova", "POST", "/v2.1/servers/7/action") is None
    assert now.take_fault("nova", "GET", "/v2.1/servers") is not None


def test_a_newer_fault_goes_before_an_older_one_until_it_is_over() -> None:
    now = faults(
        older := Fault("cinder", "503", LATER), newer := Fault("cinder", "401", LATER, method="GET", times=1)
    )

    assert [now.take_fault("cinder", "GET") for _ in range(3)] == [newer, older, older]


def test_stale_reads_leave_changes_alone() -> None:
    now = faults(Fault("neutron", "stale", LATER))

    assert now.take_fault("neutron", "GET") is not None
    assert now.take_fault("neutron", "POST") is None


@pytest.mark.parametrize(
    ("service", "mode", "options", "reason"),
    [
        ("heat", "refuse", {"method": "GET"}, "times"),
        ("heat", "refuse", {"path": "stacks"}, "times"),
        ("heat", "refuse", {"times": 1}, "times"),
        ("heat", "503", {"times": 0}, "times: at least 1"),
        ("heat", "lost", {"retry_after": 1}, "only with a status"),
        ("heat", "503", {"path": "("}, "not a regular expression"),
        ("cinder", "refuse", {}, "shares its port"),
        ("nova", "refuse", {}, "shares its port"),
    ],
)
def test_an_invalid_fault_is_rejected(
    service: ServiceName, mode: FaultMode, options: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        Fault(service, mode, LATER, **options)
