"""OS::Nova::Server and the OS::Neutron types: rejected properties, updates and replacements."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from guestagent.embedded.heat.engine import Engine, StackRequest
from guestagent.embedded.heat.resources.stack import HeatStack
from guestagent.embedded.heat.template.parser import parse_template
from guestagent.embedded.http.errors import ApiError, NotSupported
from tests.support.engine_context import EngineContext
from tests.support.engine_stacks import engine_test, wait_for_stack

Resources = dict[str, dict[str, Any]]

SERVER = {"image": "guestagent-mariadb", "flavor": "m1.small"}
PORT = {"network": "embedded"}


@contextmanager
def engine() -> Iterator[tuple[Engine, EngineContext]]:
    around = EngineContext()
    yield Engine(around), around
    around.executor.shutdown()


@pytest.mark.parametrize(
    ("kind", "properties", "message"),
    [
        (
            "OS::Nova::Server",
            {"flavor": "m1.small"},
            "Neither image nor bootable volume is specified for instance X",
        ),
        ("OS::Nova::Server", {**SERVER, "flavor": "huge"}, "The Flavor (huge) could not be found."),
        (
            "OS::Nova::Server",
            {**SERVER, "networks": [{"network": "no"}]},
            "The Network (no) could not be found.",
        ),
        (
            "OS::Nova::Server",
            {**SERVER, "user_data_format": "TEXT"},
            '"TEXT" is not an allowed value ["HEAT_CFNTOOLS",',
        ),
        (
            "OS::Nova::Server",
            {**SERVER, "security_groups": ["default"], "networks": [{"port": "p"}]},
            "Cannot define the following properties at the same time: security_groups, networks/port.",
        ),
        ("OS::Neutron::Port", {}, "Property error: resources.X.properties: Property network not assigned"),
        (
            "OS::Neutron::SecurityGroup",
            {"name": "default"},
            'Security groups cannot be assigned the name "default".',
        ),
        (
            "OS::Neutron::SecurityGroup",
            {"rules": [{"remote_mode": "all"}]},
            "Property error: resources.X.properties.rules[0].remote_mode: "
            '"all" is not an allowed value ["remote_ip_prefix", "remote_group_id"]',
        ),
        (
            "OS::Neutron::SecurityGroupRule",
            {"security_group": "default", "remote_group": "default", "remote_ip_prefix": "10.0.0.0/8"},
            "Cannot define the following properties at the same time: remote_group, remote_ip_prefix.",
        ),
        (
            "OS::Neutron::SecurityGroupRule",
            {"security_group": "default", "port_range_min": 9, "port_range_max": 8},
            "The minimum port number must be less than or equal to the maximum port number.",
        ),
    ],
)
def test_properties_are_rejected_with_heats_messages(
    kind: str, properties: dict[str, Any], message: str
) -> None:
    with engine() as (made, _), pytest.raises(ApiError) as caught:
        made.validate_request(build_request({"X": {"type": kind, "properties": properties}}))

    assert message in str(caught.value)


@pytest.mark.parametrize(
    "properties",
    [
        {**SERVER, "software_config_transport": "ZAQAR_MESSAGE"},
        {**SERVER, "block_device_mapping_v2": [{"volume_id": "v"}]},
        {**SERVER, "networks": [{"network": "embedded"}, {"network": "embedded"}]},
    ],
)
def test_unsupported_properties_are_rejected_and_never_ignored(properties: dict[str, Any]) -> None:
    with engine() as (made, _), pytest.raises(NotSupported, match="imitation"):
        made.validate_request(build_request({"X": {"type": "OS::Nova::Server", "properties": properties}}))


@engine_test
async def test_raw_user_data_is_passed_on_unchanged(engine: Engine) -> None:
    raw = {**SERVER, "user_data_format": "RAW", "user_data": "#!/bin/sh\n", "metadata": {"role": "db"}}

    stack = engine.create_stack(
        "s", "p", build_request({"X": {"type": "OS::Nova::Server", "properties": raw}})
    )
    await wait_for_stack(stack, "CREATE_COMPLETE")

    machine = find_server(engine, stack)
    assert (machine.user_data, machine.metadata) == (b"#!/bin/sh\n", {"role": "db"})
    assert stack.resources["X"].metadata == {}


@engine_test
async def test_another_way_to_poll_is_set_in_place(engine: Engine) -> None:
    def polling(transport: str) -> StackRequest:
        properties = {**SERVER, "user_data_format": "SOFTWARE_CONFIG", "software_config_transport": transport}
        return build_request({"X": {"type": "OS::Nova::Server", "properties": properties}})

    stack = engine.create_stack("s", "p", polling("POLL_SERVER_CFN"))
    await wait_for_stack(stack, "CREATE_COMPLETE")
    before = stack.resources["X"].physical_id

    engine.update_stack(stack, polling("POLL_SERVER_HEAT"))
    await wait_for_stack(stack, "UPDATE_COMPLETE")

    settings = stack.resources["X"].metadata["os-collect-config"]
    assert isinstance(settings, dict)
    assert settings["collectors"] == ["ec2", "heat", "local"]
    assert set(settings["cfn"].values()) == {None}
    assert stack.resources["X"].physical_id == before


@engine_test
async def test_a_change_that_is_not_possible_in_place_fails_and_leaves_the_server_alone(
    engine: Engine,
) -> None:
    def on(network: dict[str, str]) -> StackRequest:
        return build_request(
            {"X": {"type": "OS::Nova::Server", "properties": {**SERVER, "networks": [network]}}}
        )

    stack = engine.create_stack("s", "p", on({"network": "embedded"}))
    await wait_for_stack(stack, "CREATE_COMPLETE")
    before = stack.resources["X"].physical_id

    engine.update_stack(stack, on({"fixed_ip": "10.77.0.99"}))
    await wait_for_stack(stack, "UPDATE_FAILED")
    engine.update_stack(stack, on({"network": "embedded"}))
    await wait_for_stack(stack, "UPDATE_COMPLETE")

    assert stack.resources["X"].physical_id == before
    assert stack.resources["X"].reason.startswith("Update status to COMPLETE for FAILED resource")


@engine_test
async def test_a_server_gets_its_fixed_address(engine: Engine) -> None:
    properties = {**SERVER, "networks": [{"network": "embedded", "fixed_ip": "10.77.0.50"}]}

    stack = engine.create_stack(
        "s", "p", build_request({"X": {"type": "OS::Nova::Server", "properties": properties}})
    )
    await wait_for_stack(stack, "CREATE_COMPLETE")

    shown = engine.build_scope(stack).list_attributes(stack.resources["X"])
    assert shown["first_address"] == "10.77.0.50"
    assert shown["networks"] == {name: ["10.77.0.50"] for name in shown["networks"]}  # type: ignore[attr-defined]
    assert shown["addresses"]["embedded"][0]["addr"] == "10.77.0.50"  # type: ignore[index]


@engine_test
async def test_a_ports_address_and_groups_are_its_own(engine: Engine) -> None:
    asked = {**PORT, "fixed_ips": [{"ip_address": "10.77.0.60"}], "security_groups": ["default"]}
    stack = engine.create_stack(
        "s", "p", build_request({"X": {"type": "OS::Neutron::Port", "properties": asked}})
    )
    await wait_for_stack(stack, "CREATE_COMPLETE")
    before = stack.resources["X"].physical_id

    engine.update_stack(
        stack,
        build_request({"X": {"type": "OS::Neutron::Port", "properties": {**asked, "security_groups": []}}}),
    )
    await wait_for_stack(stack, "UPDATE_COMPLETE")

    shown = engine.build_scope(stack).list_attributes(stack.resources["X"])
    assert shown["fixed_ips"][0]["ip_address"] == "10.77.0.60"  # type: ignore[index]
    assert (shown["security_groups"], shown["status"]) == ([], "DOWN")
    assert stack.resources["X"].physical_id == before


@engine_test
async def test_a_groups_rules_are_replaced_together_and_equal_ones_merged(engine: Engine) -> None:
    def group(*rules: dict[str, Any]) -> StackRequest:
        return build_request(
            {"X": {"type": "OS::Neutron::SecurityGroup", "properties": {"rules": list(rules)}}}
        )

    tcp, out = {"protocol": "tcp"}, {"direction": "egress", "protocol": "udp"}
    stack = engine.create_stack("s", "p", group(tcp, tcp))
    await wait_for_stack(stack, "CREATE_COMPLETE")
    first = list_protocols(engine, stack)

    engine.update_stack(stack, group(out))
    await wait_for_stack(stack, "UPDATE_COMPLETE")

    assert first == [("egress", None), ("egress", None), ("ingress", "tcp")]
    assert list_protocols(engine, stack) == [("egress", "udp")], (
        "its own egress rules replace those that let all out"
    )


def build_request(resources: Resources) -> StackRequest:
    return StackRequest(parse_template({"heat_template_version": "2018-08-31", "resources": resources}), {})


def find_server(engine: Engine, stack: HeatStack) -> Any:
    return engine.context.compute.get_server(stack.resources["X"].physical_id)


def list_protocols(engine: Engine, stack: HeatStack) -> list[tuple[object, object]]:
    rules = engine.context.compute.networking.find_group(stack.resources["X"].physical_id).rules
    return [(rule.attributes["direction"], rule.attributes.get("protocol")) for rule in rules]
