"""Data volumes and rules of their own: what Heat does with its project's Cinder and Neutron."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.contract.heat import ContractStack, Document, HeatClient
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.outcomes import IN_PLACE, UPDATED
from tests.contract.rule import Observation
from tests.contract.templates import hot, hot_resource

area = HeatRuleArea("volumes")
DATA = {"get_resource": "Data"}
IDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
RULE = {"protocol": "tcp", "port_range_min": 3306, "port_range_max": 3306, "remote_ip_prefix": "10.0.0.0/8"}


def build_volume(size: int = 1, policy: str = "Delete", **properties: Any) -> Document:
    volume = hot_resource("OS::Cinder::Volume", {"size": size, **properties}, deletion_policy=policy)
    return hot(
        {"status": {"get_attr": ["Data", "status"]}, "size": {"get_attr": ["Data", "size"]}}, Data=volume
    )


def build_attached(heat: HeatClient, size: int = 1, **more: Any) -> Document:
    """Build a server that is created with its volume, which its metadata name."""
    template = build_volume(size, **more)
    devices = [{"volume_id": DATA, "boot_index": -1, "delete_on_termination": False}]
    server = {
        "image": heat.names.image,
        "flavor": heat.names.flavor,
        "networks": [{"network": heat.names.network}],
        "block_device_mapping_v2": devices,
        "metadata": {"volume": {"Id": DATA, "New": True}},
    }
    template["resources"]["Node"] = hot_resource("OS::Nova::Server", server)
    return template


def show_volume(stack: ContractStack) -> list[object]:
    return [stack.read_output("status"), int(stack.read_output("size"))]


def find_volume(heat: HeatClient, volume_id: str) -> Document | None:
    """Return a volume as Cinder shows it, or None."""
    volumes = {"service_type": "block-storage"}
    answer = heat.session.get(f"/volumes/{volume_id}", endpoint_filter=volumes, raise_exc=False)
    return dict(answer.json()["volume"]) if answer.status_code == 200 else None


def update_volume(heat: HeatClient, before: Document, after: Document) -> Observation:
    """Update; return the outcome, the volume's statuses in Heat, its status and size, and whether it is the same."""
    stack = heat.create_stack(before).wait_until_settled()
    was = stack.read_physical_id("Data")
    outcome = stack.update(after).wait_for_outcome()
    is_same = stack.read_physical_id("Data") == was
    statuses = stack.list_update_statuses("Data")
    observation = [outcome, statuses, show_volume(stack), "the same" if is_same else "another"]
    stack.delete()
    return observation


@area.rule([UPDATED, IN_PLACE, ["available", 2], "the same"])
def a_volume_grows_in_place(heat: HeatClient) -> Observation:
    return update_volume(heat, build_volume(1), build_volume(2))


@area.rule([UPDATED, IN_PLACE, ["in-use", 2], "the same"])
def a_volume_of_a_server_grows_in_place(heat: HeatClient) -> Observation:
    return update_volume(heat, build_attached(heat, 1), build_attached(heat, 2))


@area.rule(
    [
        "UPDATE_FAILED: Resource UPDATE failed: NotSupported: resources.Data: Shrinking volume is not supported.",
        ["UPDATE_IN_PROGRESS", "UPDATE_FAILED"],
        ["available", 2],
        "the same",
    ]
)
def a_volume_never_shrinks(heat: HeatClient) -> Observation:
    return update_volume(heat, build_volume(2), build_volume(1))


@area.rule([UPDATED, IN_PLACE, ["available", 1], "the same"])
def a_volume_s_metadata_change_in_place(heat: HeatClient) -> Observation:
    return update_volume(heat, build_volume(metadata={"a": "1"}), build_volume(metadata={"a": "2"}))


@area.rule([UPDATED, IN_PLACE, ["available", 1], "the same"])
def a_volume_s_deletion_policy_changes_in_place(heat: HeatClient) -> Observation:
    return update_volume(heat, build_volume(policy="Retain"), build_volume(policy="Delete"))


@area.rule([["in-use", 1], {"Id": "<id>", "New": True}])
def a_server_is_created_with_its_volume(heat: HeatClient) -> Observation:
    stack = heat.create_stack(build_attached(heat)).wait_until_settled()
    servers = {"service_type": "compute"}
    server = heat.session.get(f"/servers/{stack.read_physical_id('Node')}", endpoint_filter=servers).json()[
        "server"
    ]

    observation = [show_volume(stack), json.loads(IDS.sub("<id>", server["metadata"]["volume"]))]
    stack.delete()
    return observation


@area.rule([None, "available"])
def a_retained_volume_outlives_its_stack(heat: HeatClient) -> Observation:
    observation = []
    for policy in ("Delete", "Retain"):
        stack = heat.create_stack(build_attached(heat, policy=policy)).wait_until_settled()
        volume_id = stack.read_physical_id("Data")
        stack.delete().wait_until_settled()
        volume = find_volume(heat, volume_id)
        observation.append(None if volume is None else volume["status"])
    return observation


@area.rule(["CREATE_FAILED", True])
def a_rule_beside_its_twin_in_the_group_fails(heat: HeatClient) -> Observation:
    stack = heat.create_stack(
        hot(
            Group=hot_resource("OS::Neutron::SecurityGroup", {"rules": [RULE]}),
            Twin=hot_resource(
                "OS::Neutron::SecurityGroupRule", {**RULE, "security_group": {"get_resource": "Group"}}
            ),
        )
    )

    row = stack.wait_until_settled().read_row()

    return [
        row["stack_status"],
        "resources.Twin: Security group rule already exists" in row["stack_status_reason"],
    ]


area.add_refusal(
    "a volume of no size is refused",
    build_volume(0),
    "400 StackValidationFailed: Property error: resources.Data.properties.size: 0 is out of range (min: 1, max: None)",
)
area.add_refusal(
    "an unknown property of a volume is refused",
    build_volume(colour="red"),
    "400 StackValidationFailed: Property error: resources.Data.properties: Unknown Property colour",
)
