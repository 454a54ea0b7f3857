"""The freshness of a status: its age, a reboot, a stepped clock, a stopped agent or server."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent import wakeup_pipe
from guestagent.agent.freshness import (
    Freshness,
    FreshnessProbes,
    assess_freshness,
    describe_doubt,
    describe_freshness,
    is_server_listening,
)
from guestagent.agent.settings import Settings, load_settings
from guestagent.agent.status import AgentStatus
from guestagent.agent.timestamp import Timestamp, format_age, measure_age

NOW = Timestamp("2026-11-28T18:00:00+00:00", "this boot", 400_000.0)
THREE_DAYS = 3 * 86400.0


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(
        load_settings(), state_folder=tmp_path, run_folder=tmp_path, database_socket=tmp_path / "mysqld.sock"
    )


def build_timestamp(seconds_ago: float) -> Timestamp:
    """Return a moment of this boot."""
    return replace(NOW, at="2026-11-25T18:00:00+00:00", uptime=NOW.uptime - seconds_ago)


def assess(
    settings: Settings, written: Timestamp | None, *, agent: bool = True, server: bool = True
) -> Freshness:
    """Assess the status of a node that was ready at its last look."""
    probes = FreshnessProbes(lambda: NOW, lambda path: agent, lambda path: server)
    return assess_freshness(settings, AgentStatus("ready", observed_at=written), probes)


@pytest.mark.parametrize(
    ("age", "ready"), [(0, True), (30, True), (149, True), (151, False), (THREE_DAYS, False)]
)
def test_a_ready_node_counts_for_a_few_intervals(settings: Settings, age: float, ready: bool) -> None:
    assert assess(settings, build_timestamp(age)).is_ready is ready


def test_a_longer_interval_lets_a_status_count_for_longer(settings: Settings) -> None:
    assert assess(replace(settings, interval=600), build_timestamp(1800)).is_ready


def test_a_dead_agent_and_a_stopped_server_are_reported_with_the_time_of_the_last_look(
    settings: Settings,
) -> None:
    freshness = assess(settings, build_timestamp(THREE_DAYS), agent=False, server=False)

    text = " ".join([describe_doubt(freshness), *describe_freshness(freshness, settings)])

    assert "3 d ago, at 2026-11-25T18:00:00+00:00" in text
    assert "guestagent serve does not run" in text
    assert f"nothing listens at {settings.database_socket}" in text
    assert "how it is now is not known" in text


def test_a_hanging_agent_is_reported(settings: Settings) -> None:
    freshness = assess(settings, build_timestamp(1000))

    assert not freshness.is_ready
    assert "runs, but completes no observation" in " ".join(describe_freshness(freshness, settings))


def test_a_server_that_has_stopped_since_the_last_look_is_not_ready(settings: Settings) -> None:
    freshness = assess(settings, build_timestamp(5), server=False)

    assert (freshness.is_ready, freshness.is_current) == (False, True)
    assert describe_doubt(freshness) == "5 s ago; the server has stopped since"


def test_an_apply_by_hand_counts_although_no_agent_is_resident(settings: Settings) -> None:
    freshness = assess(settings, build_timestamp(5), agent=False)

    assert freshness.is_ready
    assert describe_doubt(freshness) == ""


def test_a_status_without_a_time_is_too_old(settings: Settings) -> None:
    freshness = assess(settings, None)

    assert (freshness.is_ready, freshness.age) == (False, None)
    assert freshness.as_json()["at"] is None


def test_nothing_from_before_a_reboot_counts(settings: Settings) -> None:
    before = Timestamp("2026-11-28T17:59:50+00:00", "an earlier boot", 900_000.0)

    freshness = assess(settings, before)

    assert (freshness.is_ready, freshness.age) == (False, 10.0)
    assert "before a reboot" in describe_doubt(freshness)


@pytest.mark.parametrize("calendar", ["1970-01-01T00:00:00+00:00", "2040-01-01T00:00:00+00:00"])
def test_a_stepped_clock_changes_no_age_within_one_boot(calendar: str) -> None:
    assert measure_age(build_timestamp(42), replace(NOW, at=calendar)) == 42


@pytest.mark.parametrize(
    "written",
    [
        Timestamp("2027-01-01T00:00:00+00:00", "an earlier boot", 5.0),
        Timestamp(NOW.at, NOW.boot, NOW.uptime + 60),
        Timestamp(NOW.at, NOW.boot, float("nan")),
    ],
    ids=["calendar", "uptime", "no number"],
)
def test_a_status_from_the_future_has_no_known_age(written: Timestamp) -> None:
    assert measure_age(written, NOW) is None


def test_an_unknown_boot_does_not_match_another_one(settings: Settings) -> None:
    unknown = replace(NOW, boot="", uptime=1.0, at="2026-11-27T18:00:00+00:00")

    assert measure_age(unknown, replace(NOW, boot="")) == 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s ago"),
        (119, "119 s ago"),
        (120, "2 min ago"),
        (7200, "2 h ago"),
        (None, "at an unknown time"),
    ],
)
def test_an_age_is_formatted_for_people(seconds: float | None, text: str) -> None:
    assert format_age(seconds) == text


def test_a_server_that_listens_is_found_without_a_connection(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "mysqld.sock"))
        server.listen()
        server.setblocking(False)

        is_listening = is_server_listening(tmp_path / "mysqld.sock")

        with pytest.raises(BlockingIOError):
            server.accept()
    assert is_listening


def test_the_socket_of_a_killed_server_is_not_listening(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "mysqld.sock"))

    assert not is_server_listening(tmp_path / "mysqld.sock")


@pytest.mark.parametrize("name", ["missing.sock", "x" * 200])
def test_no_socket_is_no_server(tmp_path: Path, name: str) -> None:
    assert not is_server_listening(tmp_path / name)


def test_the_pipe_of_a_killed_agent_is_not_listening(tmp_path: Path) -> None:
    pipe = wakeup_pipe.create_pipe(str(tmp_path / wakeup_pipe.PIPE_NAME))
    alive = wakeup_pipe.is_listening(tmp_path / wakeup_pipe.PIPE_NAME)
    os.close(pipe)

    assert (alive, wakeup_pipe.is_listening(tmp_path / wakeup_pipe.PIPE_NAME)) == (True, False)
