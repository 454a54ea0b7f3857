"""Requests whose response, or which themselves, are lost."""

from __future__ import annotations

import pytest

from guestagent.controller import FakeHeat
from tests.support.cluster_strategies import SMALL, build_cluster
from tests.support.fake_stacks import LONG_TIMEOUT_S, launch_stack, open_stacks


@pytest.mark.parametrize("lost", [1, 2])
def test_a_lost_response_to_create_launches_nothing_twice(lost: int) -> None:
    heat = FakeHeat()
    heat.loses = ["create"] * lost
    stacks = open_stacks(heat)

    work = stacks.create("db", build_cluster())

    assert heat.asked.count("create") == 1
    assert stacks.wait(work, LONG_TIMEOUT_S).id == "stack-1"


def test_a_lost_create_request_is_sent_again() -> None:
    heat = FakeHeat()
    heat.drops = ["create"]

    work = open_stacks(heat).create("db", build_cluster())

    assert heat.asked.count("create") == 2
    assert work.stack.id == "stack-1"


def test_a_create_request_that_arrives_during_the_search_for_its_stack_is_found() -> None:
    heat = FakeHeat()
    heat.loses = ["create"]
    heat.drops = ["stacks"]
    stacks = open_stacks(heat)

    assert stacks.wait(stacks.create("db", build_cluster()), LONG_TIMEOUT_S).id == "stack-1"


def test_a_lost_response_to_update_updates_once() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster())
    heat.loses = ["update"]

    work = stacks.change("db", lambda cluster: cluster.add_replica(SMALL))

    assert heat.asked.count("update") == 1
    assert stacks.wait(work, LONG_TIMEOUT_S).status == "UPDATE_COMPLETE"


def test_a_lost_response_to_delete_is_no_failure() -> None:
    heat = FakeHeat()
    stacks = launch_stack(heat, build_cluster())
    heat.loses = ["delete"]

    stack = stacks.wait(stacks.delete("db"), LONG_TIMEOUT_S)

    assert stack.status == "DELETE_COMPLETE"
