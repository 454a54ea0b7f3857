"""The bench of images reads the times of a boot from systemd's and the agent's own words."""

from __future__ import annotations

import pytest

from tests.bench.image.boot_times import (
    CLOUD_INIT_END,
    FIRST_PASS,
    SUCCESS,
    BootTimes,
    parse_agent_times,
    parse_blame,
    parse_time,
    parse_unit_times,
)

UNITS = """\
Id=cloud-init.service
ExecMainExitTimestampMonotonic=4000000
ActiveEnterTimestampMonotonic=4100000

Id=cloud-init-network.service
ExecMainExitTimestampMonotonic=0
ActiveEnterTimestampMonotonic=0

Id=cloud-final.service
ExecMainExitTimestampMonotonic=8250000
ActiveEnterTimestampMonotonic=8300000
"""
BLAME = """\
     31.020s dev-vda1.device
1min 2.500s cloud-final.service
      928ms guestagent.service
"""


def log(message: str, seconds: float) -> dict[str, str]:
    return {"MESSAGE": message, "__MONOTONIC_TIMESTAMP": str(int(seconds * 1e6))}


def test_each_unit_has_its_milestone_and_a_unit_that_never_started_has_none() -> None:
    times = parse_unit_times(UNITS)

    assert times == {"cloud-init, network stage": 4.1, CLOUD_INIT_END: 8.25}


def test_the_first_pass_and_the_first_accepted_success_count() -> None:
    entries = [
        log("INFO 0.0 s: set the server id to 101", 9.0),
        log("INFO 2.1 s: make the server writable", 11.0),
        log("INFO signal SUCCESS: accepted", 11.5),
        log("INFO signal SUCCESS: accepted", 90.0),
    ]

    assert parse_agent_times(entries) == {FIRST_PASS: 9.0, SUCCESS: 11.5}


def test_a_late_success_is_counted_from_the_end_of_cloud_init() -> None:
    assert BootTimes({CLOUD_INIT_END: 8.0, SUCCESS: 9.5}, {}).after_cloud_init == 1.5


def test_only_services_are_to_blame() -> None:
    assert parse_blame(BLAME) == {"cloud-final.service": 62.5, "guestagent.service": 0.928}


@pytest.mark.parametrize(("text", "seconds"), [("1min 2.345s", 62.345), ("15ms", 0.015), ("3s", 3.0)])
def test_a_time_of_systemd_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse_time(text) == pytest.approx(seconds)
