"""Which requests suffer from an outage, and when it is over."""

from __future__ import annotations

import time

import pytest

from guestagent.embedded.http.faults import ActiveFaults, Fault, FaultMode

LATER = time.monotonic() + 3600


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


@pytest.mark.parametrize(
    ("mode", "method", "times"), [("refuse", "GET", None), ("refuse", None, 1), ("503", None, 0)]
)
def test_an_invalid_fault_is_rejected(mode: FaultMode, method: str | None, times: int | None) -> None:
    with pytest.raises(ValueError, match="times"):
        Fault("heat", mode, LATER, method=method, times=times)
