"""Waiting for a stack: requests, progress, deadlines and unreachable clouds."""

from __future__ import annotations

import pytest

from guestagent.controller import Event, FakeHeat
from guestagent.errors import CloudUnreachable, DeadlineExceeded, StackFailed
from guestagent.retry import FakeClock
from tests.support.cluster_strategies import build_cluster
from tests.support.fake_stacks import LONG_TIMEOUT_S, format_events, open_stacks


def test_a_wait_requests_only_the_stack_list() -> None:
    heat = FakeHeat()
    stacks = open_stacks(heat)
    work = stacks.create("db", build_cluster(replicas=3))
    heat.asked.clear()

    stacks.wait(work, LONG_TIMEOUT_S)

    assert heat.asked[:-1] == ["stacks"] * 5
    assert heat.asked[-1] == "template"  # read back once it is over


def test_a_wait_with_progress_requests_the_stack_and_its_conditions_in_turn() -> None:
    heat = FakeHeat()
    stacks = open_stacks(heat)
    work = stacks.create("db", build_cluster(replicas=3))
    heat.asked.clear()

    stacks.wait(work, LONG_TIMEOUT_S, tell=lambda event: None)

    assert heat.asked == ["stacks", "resources"] * 3 + ["template"]
    assert heat.endangered == []


def test_a_poll_is_one_request_for_any_number_of_nodes() -> None:
    clock, heat = FakeClock(), FakeHeat()
    stacks = open_stacks(heat, clock)
    work = stacks.create("db", build_cluster(replicas=40))
    heat.asked.clear()

    stacks.wait(work, LONG_TIMEOUT_S, tell=lambda event: None)

    polls = [verb for verb in heat.asked if verb in ("stacks", "resources")]
    assert len(polls) <= len(clock.slept) + 2


def test_progress_is_reported_once_for_every_change() -> None:
    heat, events = FakeHeat(), list[Event]()
    stacks = open_stacks(heat)

    stacks.wait(stacks.create("db", build_cluster(replicas=2)), LONG_TIMEOUT_S, tell=events.append)

    assert format_events(events) == [
        "db CREATE_IN_PROGRESS",
        "Master0000 ready",
        "Slave0000 ready",
        "Slave0001 proving",
        "Slave0001 ready",
        "db CREATE_COMPLETE",
    ]
    assert [event.seconds for event in events] == sorted(event.seconds for event in events)


def test_a_failed_node_is_a_failed_stack_with_heats_reason() -> None:
    heat, events = FakeHeat(), list[Event]()
    heat.verdicts["Slave0000ReadyWaitCond"] = "Slave0000 (replica): access denied"
    stacks = open_stacks(heat)

    with pytest.raises(StackFailed) as failed:
        stacks.wait(stacks.create("db", build_cluster(replicas=1)), LONG_TIMEOUT_S, tell=events.append)

    assert failed.value.status == "CREATE_FAILED"
    assert failed.value.reason.endswith(
        "resources.Slave0000ReadyWaitCond: Slave0000 (replica): access denied"
    )
    assert format_events(events)[-2:] == ["Slave0000 failed", "db CREATE_FAILED"]


def test_a_stack_that_is_deleted_during_the_wait_has_failed() -> None:
    heat = FakeHeat()
    stacks = open_stacks(heat)
    work = stacks.create("db", build_cluster())
    heat.live.clear()

    with pytest.raises(StackFailed, match="DELETE_COMPLETE: the stack is gone"):
        stacks.wait(work, LONG_TIMEOUT_S, tell=lambda event: None)


def test_the_deadline_ends_the_wait_and_not_the_stack() -> None:
    heat, clock = FakeHeat(), FakeClock()
    stacks = open_stacks(heat, clock)
    work = stacks.create("db", build_cluster(replicas=30))
    start = clock.now()

    with pytest.raises(DeadlineExceeded, match="stack db is still CREATE_IN_PROGRESS"):
        stacks.wait(work, 10)

    assert clock.now() - start == 10
    assert heat.live["db"].stack.in_progress


def test_a_wait_survives_a_short_outage_of_the_cloud() -> None:
    heat = FakeHeat()
    stacks = open_stacks(heat)
    work = stacks.create("db", build_cluster(replicas=1))
    heat.down = 20

    assert stacks.wait(work, LONG_TIMEOUT_S).status == "CREATE_COMPLETE"


def test_a_cloud_with_a_long_outage_is_unreachable() -> None:
    heat = FakeHeat()
    heat.down = 10**6

    with pytest.raises(CloudUnreachable):
        open_stacks(heat).create("db", build_cluster())


def test_a_cloud_that_never_responded_is_unreachable_soon_because_its_address_may_be_wrong() -> None:
    clock, heat = FakeClock(), FakeHeat()
    heat.down = 10**6

    with pytest.raises(CloudUnreachable):
        open_stacks(heat, clock).status("db")

    assert sum(clock.slept) == pytest.approx(5)


def test_a_cloud_that_has_responded_before_may_be_unreachable_for_a_minute() -> None:
    clock, heat = FakeClock(), FakeHeat()
    stacks = open_stacks(heat, clock)
    stacks.create("db", build_cluster())
    heat.down = 10**6

    with pytest.raises(CloudUnreachable):
        stacks.status("db")

    assert sum(clock.slept) == pytest.approx(60)


def test_a_wait_ends_a_minute_after_heats_own_timeout_if_heat_reports_nothing() -> None:
    clock, heat = FakeClock(), FakeHeat()
    stacks = open_stacks(heat, clock)
    work = stacks.create("db", build_cluster(replicas=1))
    heat.live["db"].pending_conditions = ["another"] * 10**6

    with pytest.raises(DeadlineExceeded):
        stacks.wait(work)

    assert work.patience == heat.live["db"].timeout_minutes * 60 + 60
    assert sum(clock.slept) == pytest.approx(work.patience)
