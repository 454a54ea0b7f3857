"""A request whose answer is lost, is sent again, and is refused because the first one has had its effect."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guestagent.resources.natives.fake_faults import CloudFault, FaultKind
from guestagent.resources.natives.fake_project import FakeLimits
from guestagent.resources.natives.requests import (
    CloudRequest,
    CreateGroup,
    CreatePort,
    CreateRule,
    CreateServer,
    CreateServerGroup,
    CreateVolume,
    GrowVolume,
    MigrateServer,
    ResizeServer,
)
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.orders import CreateCluster, CreateSecurityGroup, Order
from tests.support.orders import build_order
from tests.unit.resources.natives.action_orders import grow, migrate, resize
from tests.unit.resources.natives.invariants import find_differences
from tests.unit.resources.natives.scenarios import update_cidr
from tests.unit.resources.natives.worlds import World

FULL = FakeLimits(servers=1, volumes=1, gibibytes=20, ports=1, groups=1, server_groups=1, rules=3)
"""Room for one cluster of one server, and one rule more."""


def create() -> Order:
    order: Order = build_order(CreateCluster, description={"replicas": 0})
    return order


def create_group() -> Order:
    order: Order = build_order(CreateSecurityGroup, group="audit")
    return order


def lose_answer(world: World, request_type: type[CloudRequest]) -> None:
    """Let the next request of a type have its effect just before it is repeated, and the list after that be old."""
    world.cloud.faults.append(CloudFault(FaultKind.QUEUED, request_type))

    def age_list(world: World) -> None:
        if world.count_requests(request_type) == 2:
            world.cloud.is_stale = True
            world.watchers.remove(age_list)

    world.watchers.append(age_list)


@pytest.mark.parametrize(
    ("request_type", "build"),
    [
        (CreateGroup, create_group),
        (CreateRule, update_cidr),
        (GrowVolume, grow),
        (ResizeServer, resize),
        (MigrateServer, migrate),
    ],
)
def test_an_order_whose_repeated_request_is_refused_ends_well(
    request_type: type[CloudRequest], build: Callable[[], Order]
) -> None:
    world = World().create()
    world.cloud.project.limits = FakeLimits(servers=1, volumes=1, gibibytes=20, ports=1, groups=2, rules=3)
    lose_answer(world, request_type)

    operation = world.run(build())

    assert (operation.state, operation.refusal) == (OperationState.DONE, None)
    assert world.count_requests(request_type) == 2
    assert find_differences(world) == []


@pytest.mark.parametrize(
    "request_type", [CreateGroup, CreateRule, CreateServerGroup, CreateVolume, CreatePort, CreateServer]
)
def test_a_creation_whose_repeated_request_is_refused_ends_well(request_type: type[CloudRequest]) -> None:
    world = World()
    world.cloud.project.limits = FULL
    attentions: set[str] = set()
    world.watchers.append(lambda world: attentions.add(world.attention))
    lose_answer(world, request_type)

    operation = world.run(create())

    assert (operation.state, operation.refusal) == (OperationState.DONE, None)
    assert attentions == {""}, "nobody is asked for help with what is there"
    assert find_differences(world) == []
    (group,) = world.cloud.project.server_groups.values()
    assert group.members == world.cloud.project.servers.keys()


@pytest.mark.parametrize(
    ("request_type", "build", "limit"),
    [(CreateGroup, create_group, "groups"), (CreateRule, update_cidr, "rules")],
)
def test_a_repeated_request_that_finds_no_room_fails_its_order_soon(
    request_type: type[CloudRequest], build: Callable[[], Order], limit: str
) -> None:
    world = World().create()
    setattr(world.cloud.project.limits, limit, 2 if limit == "rules" else 1)
    world.cloud.faults.append(CloudFault(FaultKind.UNTAKEN, request_type))

    operation = world.run(build())

    assert operation.refusal is not None
    assert operation.refusal.code is RefusalCode.QUOTA
    assert world.count_requests(request_type) == 2
    world.live(150)
    assert find_differences(world) == []
