"""A stack that exists gets a row, and loses it again: nothing in the cloud is touched."""

from __future__ import annotations

from typing import Any

import pytest

from guestagent.controller import Stacks
from guestagent.controller.template.volume_resources import STORE_KEY, VOLUME_TYPE
from guestagent.resources.operation import OperationState
from guestagent.resources.orchestrator.template_mark import (
    TemplateMark,
    mark_new_volumes,
    mark_template,
    read_mark,
)
from guestagent.resources.orders import CreateCluster, RegisterCluster, UnregisterCluster
from tests.support.orders import build_order
from tests.unit.resources.orchestrator.stack_scenarios import STACK_SCENARIOS, prepare_foreign_stack
from tests.unit.resources.orchestrator.stack_worlds import CLUSTER, DESCRIPTION, StackWorld

MARK = TemplateMark(store="aa-1", cluster="bb-2", operation="cc-3", number=4)


def test_a_registered_stack_takes_orders_like_any_other() -> None:
    world = StackWorld()
    prepare_foreign_stack(world)
    assert world.run(build_order(RegisterCluster)).state is OperationState.DONE

    done = world.run(STACK_SCENARIOS["renew_instance"].build())

    assert done.state is OperationState.DONE
    assert done.result == {"stack": world.heat.live[CLUSTER].stack.id}


def test_an_unregistered_cluster_can_be_registered_again() -> None:
    world = StackWorld().create()
    before = world.heat.live[CLUSTER].template
    world.run(build_order(UnregisterCluster))
    assert world.snapshot is None

    done = world.run(build_order(RegisterCluster))

    assert done.state is OperationState.DONE
    assert world.reference.stack_id == world.heat.live[CLUSTER].stack.id
    assert (world.heat.live[CLUSTER].template, world.heat.accepted) == (before, [])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda world: world.heat.live.clear(), "not_found"),
        (
            lambda world: set_template(world, {"heat_template_version": "2018-08-31", "resources": {}}),
            "invalid",
        ),
        (
            lambda world: set_template(world, mark_template(world.heat.live[CLUSTER].template, MARK)),
            "two_owners",
        ),
    ],
)
def test_what_cannot_be_registered_leaves_no_row(change: Any, code: str) -> None:
    world = StackWorld()
    prepare_foreign_stack(world)
    change(world)

    failed = world.run(build_order(RegisterCluster))

    assert failed.refusal is not None
    assert failed.refusal.code == code
    assert world.snapshot is None


def test_a_stack_that_goes_to_another_store_gets_its_mark_and_keeps_those_of_its_volumes() -> None:
    world = StackWorld()
    prepare_foreign_stack(world)
    volumes = mark_new_volumes(world.heat.live[CLUSTER].template, MARK.store, None)
    set_template(world, mark_template(volumes, MARK))
    repair_by_command_line(world)
    registered = world.run(build_order(RegisterCluster))

    world.run(STACK_SCENARIOS["renew_instance"].build())

    template = world.heat.live[CLUSTER].template
    mark = read_mark(template)
    stores = {
        resource["properties"]["metadata"][STORE_KEY]
        for resource in template["resources"].values()
        if resource["type"] == VOLUME_TYPE
    }
    assert registered.state is OperationState.DONE
    assert mark is not None
    assert (mark.store, stores) == (world.store.id, {MARK.store})


def repair_by_command_line(world: StackWorld) -> None:
    """Update the stack as `guestagent cluster repair` does."""
    stacks = Stacks(world.heat)
    stacks.wait(stacks.change(CLUSTER, lambda cluster: cluster.renew("Slave0000")))
    world.forget_history()


def set_template(world: StackWorld, template: Any) -> None:
    world.heat.live[CLUSTER].template = template


@pytest.mark.parametrize("dialect", ["hot", "cfn"])
def test_a_template_shows_the_request_that_has_written_it(dialect: str) -> None:
    world = StackWorld().create(dialect=dialect, volume=None)

    mark = read_mark(world.heat.live[CLUSTER].template)

    assert mark is not None
    assert world.snapshot is not None
    assert (mark.store, mark.cluster, mark.number) == (world.store.id, world.snapshot.cluster.id, 0)


def test_a_mark_is_read_back_and_nothing_else_is_one() -> None:
    assert read_mark(mark_template({"description": "A guestagent cluster"}, MARK)) == MARK
    assert read_mark(mark_template({"Description": "A guestagent cluster"}, MARK)) == MARK
    assert [read_mark(each) for each in ({"description": "(store x)"}, {}, None)] == [None] * 3


def test_a_description_with_parameters_as_passwords_works() -> None:
    world = StackWorld()

    done = world.run(build_order(CreateCluster, description={**DESCRIPTION, "passwords": "generated"}))

    assert done.state is OperationState.DONE
    assert world.heat.live[CLUSTER].parameters.keys() == {"Master0000Password", "Slave0000Password"}
