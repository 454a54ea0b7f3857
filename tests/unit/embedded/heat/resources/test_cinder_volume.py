"""OS::Cinder::Volume: created with its server, grown in place as different releases of Heat do it, kept or deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from guestagent.embedded.heat.engine import Engine, StackRequest
from guestagent.embedded.heat.resources.stack import HeatStack
from guestagent.embedded.heat.template.errors import StackValidationFailed
from guestagent.embedded.heat.template.parser import parse_template
from guestagent.embedded.openstack.cinder.volumes import StoredVolume
from guestagent.embedded.openstack.nova.servers import Compute
from tests.support.engine_context import EngineContext
from tests.support.engine_stacks import wait_for_stack

VOLUME = {"get_resource": "Data"}


def build_request(size: int = 1, policy: str = "Delete", **properties: Any) -> StackRequest:
    devices = [{"volume_id": VOLUME, "boot_index": -1, "delete_on_termination": False}]
    server = {"image": "guestagent-mariadb", "flavor": "m1.small", "block_device_mapping_v2": devices}
    resources = {
        "Data": {
            "type": "OS::Cinder::Volume",
            "deletion_policy": policy,
            "properties": {"size": size, **properties},
        },
        "Server": {
            "type": "OS::Nova::Server",
            "properties": {**server, "metadata": {"volume": {"Id": VOLUME}}},
        },
    }
    return StackRequest(parse_template({"heat_template_version": "2018-08-31", "resources": resources}), {})


def run_with_engine(
    test: Callable[[Engine, Compute], Coroutine[None, None, None]], detaches_to_grow: bool = True
) -> None:
    async def run() -> None:
        context = EngineContext()
        engine = Engine(context, detaches_to_grow)
        try:
            await asyncio.wait_for(test(engine, context.compute), 20)
        finally:
            await engine.stop()
            context.executor.shutdown()

    asyncio.run(run())


async def launch(engine: Engine, request: StackRequest) -> HeatStack:
    stack = engine.create_stack("s", "p", request)
    await wait_for_stack(stack, "CREATE_COMPLETE")
    return stack


async def update(
    engine: Engine, stack: HeatStack, request: StackRequest, state: str = "UPDATE_COMPLETE"
) -> None:
    engine.update_stack(stack, request)
    await wait_for_stack(stack, state)


def find_volume(compute: Compute, stack: HeatStack) -> StoredVolume:
    return compute.storage.find_volume(stack.resources["Data"].physical_id)


def list_actions(compute: Compute, stack: HeatStack) -> list[str]:
    """List the server's actions, the oldest first."""
    return [each.name for each in compute.actions.list_actions(stack.resources["Server"].physical_id)][::-1]


def test_the_server_is_created_with_its_volume() -> None:
    async def test(engine: Engine, compute: Compute) -> None:
        stack = await launch(engine, build_request(2, metadata={"node": "Master0000"}))

        volume = find_volume(compute, stack)
        assert (volume.size_gib, volume.status, volume.metadata) == (2, "in-use", {"node": "Master0000"})
        server = compute.get_server(stack.resources["Server"].physical_id)
        assert server.metadata == {"volume": f'{{"Id": "{volume.id}"}}'}
        assert compute.storage.find_attachment(volume.id, server.id) is not None

    run_with_engine(test)


@pytest.mark.parametrize(
    ("detaches", "actions"),
    [(True, ["create", "detach_volume", "attach_volume"]), (False, ["create", "extend_volume"])],
)
def test_heat_19_detaches_an_attached_volume_to_grow_it_and_heat_24_does_not(
    detaches: bool, actions: list[str]
) -> None:
    async def test(engine: Engine, compute: Compute) -> None:
        stack = await launch(engine, build_request(1))

        await update(engine, stack, build_request(2))

        volume = find_volume(compute, stack)
        assert (volume.size_gib, volume.status) == (2, "in-use")
        assert list_actions(compute, stack) == actions

    run_with_engine(test, detaches)


@pytest.mark.parametrize("detaches", [True, False])
def test_a_volume_that_has_the_size_already_is_left_alone(detaches: bool) -> None:
    async def test(engine: Engine, compute: Compute) -> None:
        stack = await launch(engine, build_request(1))
        compute.storage.extend(find_volume(compute, stack), 2, is_attached_allowed=True)
        await compute.storage.wait_for_tasks()

        await update(engine, stack, build_request(2))

        assert list_actions(compute, stack) == ["create", "extend_volume"]

    run_with_engine(test, detaches)


@pytest.mark.parametrize(("detaches", "holders"), [(True, 0), (False, 1)])
def test_a_growth_that_fails_leaves_the_volume_detached_with_heat_19(detaches: bool, holders: int) -> None:
    async def test(engine: Engine, compute: Compute) -> None:
        stack = await launch(engine, build_request(1))
        compute.storage.quota.gigabytes = 1

        await update(engine, stack, build_request(2), "UPDATE_FAILED")

        volume = find_volume(compute, stack)
        assert len(compute.storage.list_attachments(volume.id)) == holders
        assert (
            f"Error: resources.Data: Failed to extend volume {volume.id} - VolumeSizeExceeds" in stack.reason
        )

    run_with_engine(test, detaches)


def test_a_volume_never_shrinks() -> None:
    async def test(engine: Engine, compute: Compute) -> None:
        stack = await launch(engine, build_request(2))

        await update(engine, stack, build_request(1), "UPDATE_FAILED")

        assert "NotSupported: resources.Data: Shrinking volume is not supported." in stack.reason
        assert find_volume(compute, stack).size_gib == 2

    run_with_engine(test)


@pytest.mark.parametrize(("status", "is_replaced"), [("error", True), ("error_extending", False)])
def test_a_failed_volume_is_replaced_only_if_cinder_calls_it_lost(status: str, is_replaced: bool) -> None:
    async def test(engine: Engine, compute: Compute) -> None:
        stack = await launch(engine, build_request(2, metadata={}))
        before = stack.resources["Data"].physical_id
        await update(engine, stack, build_request(1), "UPDATE_FAILED")
        find_volume(compute, stack).status = status

        engine.update_stack(stack, build_request(2, metadata={"changed": "yes"}))
        await wait_for_stack(stack, "UPDATE_IN_PROGRESS")
        while not stack.state.endswith(("COMPLETE", "FAILED")):
            await asyncio.sleep(0.01)

        assert (stack.resources["Data"].physical_id != before) is is_replaced

    run_with_engine(test)


@pytest.mark.parametrize(("policy", "left"), [("Delete", 0), ("Retain", 1)])
def test_a_retained_volume_outlives_its_stack(policy: str, left: int) -> None:
    async def test(engine: Engine, compute: Compute) -> None:
        stack = await launch(engine, build_request(1, policy))

        engine.delete_stack(stack)
        await wait_for_stack(stack, "DELETE_COMPLETE")

        assert [volume.status for volume in compute.storage.volumes.values()] == ["available"] * left
        assert compute.servers == {}

    run_with_engine(test)


def test_the_policy_of_a_volume_changes_without_its_server() -> None:
    async def test(engine: Engine, compute: Compute) -> None:
        stack = await launch(engine, build_request(1, "Retain"))
        before = stack.resources["Server"].physical_id

        await update(engine, stack, build_request(1, "Delete"))
        assert stack.resources["Server"].physical_id == before
        engine.delete_stack(stack)
        await wait_for_stack(stack, "DELETE_COMPLETE")

        assert compute.storage.volumes == {}

    run_with_engine(test)


def test_a_volume_that_cinder_cannot_make_fails_the_stack() -> None:
    async def test(engine: Engine, compute: Compute) -> None:
        stack = engine.create_stack("s", "p", build_request(1, volume_type="broken"))

        await wait_for_stack(stack, "CREATE_FAILED")

        assert "ResourceInError: resources.Data: Went to status error" in stack.reason

    run_with_engine(test)


def test_a_snapshot_in_place_of_a_volume_is_refused() -> None:
    with pytest.raises(StackValidationFailed, match='Invalid deletion policy "Snapshot"'):
        build_request(1, "Snapshot")


def test_a_rule_beside_its_twin_fails_with_neutrons_conflict() -> None:
    rule = {
        "remote_ip_prefix": "10.0.0.0/8",
        "protocol": "tcp",
        "port_range_min": 3306,
        "port_range_max": 3306,
    }
    resources = {
        "Group": {"type": "OS::Neutron::SecurityGroup", "properties": {"rules": [rule]}},
        "Twin": {
            "type": "OS::Neutron::SecurityGroupRule",
            "properties": {**rule, "security_group": {"get_resource": "Group"}},
        },
    }
    template = parse_template({"heat_template_version": "2018-08-31", "resources": resources})

    async def test(engine: Engine, compute: Compute) -> None:
        stack = engine.create_stack("s", "p", StackRequest(template, {}))

        await wait_for_stack(stack, "CREATE_FAILED")

        assert "resources.Twin: Security group rule already exists. Rule id is" in stack.reason

    run_with_engine(test)
