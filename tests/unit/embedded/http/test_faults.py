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


def test_every_request_to_its_service_suffers_and_no_other() -> None:
    now = faults(fault := Fault("heat", "503", LATER))

    assert now.take_fault("heat", "GET") is fault
    assert now.take_fault("cfn", "PUT") is None


def test_requests_by_another_method_are_spared() -> None:
    now = faults(Fault("heat", "503", LATER, method="POST"))

    assert now.take_fault("heat", "GET") is None
    assert now.take_fault("heat", "POST") is not None


def test_it_is_over_after_so_many_that_suffered() -> None:
    now = faults(Fault("heat", "503", LATER, method="POST", times=2))

    suffered = [now.take_fault("heat", method) is not None for method in ("POST", "GET", "POST", "POST")]

    assert suffered == [True, False, True, False]


def test_it_is_over_at_its_time_and_when_it_is_healed() -> None:
    assert faults(Fault("heat", "503", time.monotonic())).take_fault("heat", "GET") is None

    now = faults(Fault("heat", "503", LATER))
    now.clear()

    assert now.take_fault("heat", "GET") is None


def test_a_newer_one_counts_from_the_beginning() -> None:
    now = faults(Fault("heat", "503", LATER, times=1))
    now.take_fault("heat", "GET")
    now.start(newer := Fault("heat", "401", LATER, times=1))

    assert now.take_fault("heat", "GET") is newer


@pytest.mark.parametrize(
    ("mode", "down"),
    [("refuse", True), ("500", True), ("503", True), ("slow", False), ("lost", False), ("401", False)],
)
def test_whoever_needs_a_service_gets_no_answer_from_one_that_is_down(mode: FaultMode, down: bool) -> None:
    assert faults(Fault("keystone", mode, LATER)).is_down("keystone") is down


def test_a_service_that_fails_at_some_requests_only_is_not_down() -> None:
    assert not faults(Fault("keystone", "503", LATER, method="POST")).is_down("keystone")


@pytest.mark.parametrize(
    ("mode", "method", "times"), [("refuse", "GET", None), ("refuse", None, 1), ("503", None, 0)]
)
def test_what_makes_no_sense_is_refused(mode: FaultMode, method: str | None, times: int | None) -> None:
    with pytest.raises(ValueError, match="times"):
        Fault("heat", mode, LATER, method=method, times=times)
