"""The data volumes of a stack name the store that had them made: when they are made, and never later."""

from __future__ import annotations

from typing import Any

from guestagent.controller import Stacks, render
from guestagent.resources.orchestrator.stack_orders import read_stack_description
from guestagent.resources.orchestrator.template_mark import mark_new_volumes
from guestagent.resources.orders import (
    AddInstance,
    CreateCluster,
    CreateRules,
    RegisterCluster,
    RenewInstance,
)
from tests.support.orders import build_order
from tests.unit.resources.orchestrator.stack_scenarios import OFFICE, prepare_foreign_stack
from tests.unit.resources.orchestrator.stack_worlds import CLUSTER, DESCRIPTION, StackWorld

ADD = build_order(AddInstance, flavor="m1.small", image="guestagent-mariadb", volume_gib=5)


def list_stores(world: StackWorld) -> dict[str, str | None]:
    """Return the mark of each volume in the stack's template."""
    resources: dict[str, dict[str, Any]] = world.heat.live[CLUSTER].template["resources"]
    return {
        name: resource["properties"]["metadata"].get("guestagent:store")
        for name, resource in resources.items()
        if resource["type"] == "OS::Cinder::Volume"
    }


def test_the_volumes_of_a_new_cluster_name_the_store() -> None:
    world = StackWorld().create()

    assert list_stores(world) == {
        "Master0000Volume": world.store.id,
        "Slave0000Volume": world.store.id,
    }


def test_an_update_marks_the_volume_that_it_makes_and_leaves_those_of_an_earlier_release_alone() -> None:
    world = StackWorld()
    prepare_foreign_stack(world)
    world.run(build_order(RegisterCluster))

    world.run(ADD)

    assert list_stores(world) == {
        "Master0000Volume": None,
        "Slave0000Volume": None,
        "Slave0001Volume": world.store.id,
    }


def test_a_later_update_keeps_the_marks() -> None:
    world = StackWorld().create()

    world.run(build_order(CreateRules, group="database", rules=(OFFICE,)))

    assert set(list_stores(world).values()) == {world.store.id}


def test_an_order_that_changes_nothing_about_volumes_sends_those_of_an_earlier_release_as_they_were() -> None:
    world = StackWorld()
    prepare_foreign_stack(world)
    world.run(build_order(RegisterCluster))
    before = world.heat.live[CLUSTER].template["resources"]

    world.run(build_order(RenewInstance, instance="Slave0000"))

    after = world.heat.live[CLUSTER].template["resources"]
    assert after["Slave0000Volume"] == before["Slave0000Volume"]
    assert after["Master0000Volume"] == before["Master0000Volume"]


def test_a_change_by_the_command_line_keeps_the_marks_of_the_manager() -> None:
    world = StackWorld().create()
    stacks = Stacks(world.heat)

    stacks.wait(stacks.change(CLUSTER, lambda cluster: cluster.renew("Slave0000")))

    assert set(list_stores(world).values()) == {world.store.id}


def test_a_template_without_volumes_stays_as_it_is() -> None:
    order = build_order(CreateCluster, description={**DESCRIPTION, "volume": None, "dialect": "cfn"})
    description = {key: value for key, value in order.description.items() if value is not None}
    template = render(read_stack_description(build_order(CreateCluster, description=description)).cluster)

    assert mark_new_volumes(template, "5e1d-a0", None) == template
