"""A real Heat on the real services: a stack with a server, a volume and a port."""

from __future__ import annotations

from typing import Any

import pytest

from guestagent.embedded.real_cloud import RealCloud
from guestagent.embedded.real_cloud.cloud_requests import CloudRequests, wait_for

pytestmark = pytest.mark.timeout(1200)
TIMEOUT_S = 300.0
NAME = "shop"


def build_template(
    flavor: str = "m1.tiny", size_gib: int = 1, network: str = "192.0.2.0/24"
) -> dict[str, Any]:
    def refer(resource: str) -> dict[str, str]:
        return {"get_resource": resource}

    rule = {"protocol": "tcp", "port_range_min": 3306, "port_range_max": 3306, "remote_ip_prefix": network}
    resources = {
        "group": {"type": "OS::Neutron::SecurityGroup", "properties": {"rules": [rule]}},
        "port": {
            "type": "OS::Neutron::Port",
            "properties": {"network": "embedded", "security_groups": [refer("group")]},
        },
        "volume": {"type": "OS::Cinder::Volume", "properties": {"size": size_gib}},
        "server": {
            "type": "OS::Nova::Server",
            "properties": {
                "flavor": flavor,
                "image": "guestagent-mariadb",
                "networks": [{"port": refer("port")}],
            },
        },
        "attachment": {
            "type": "OS::Cinder::VolumeAttachment",
            "properties": {"instance_uuid": refer("server"), "volume_id": refer("volume")},
        },
    }
    outputs = {name: {"value": refer(name)} for name in ("group", "server", "volume")}
    return {"heat_template_version": "2018-08-31", "resources": resources, "outputs": outputs}


@pytest.fixture
def member(real_cloud: RealCloud) -> CloudRequests:
    return real_cloud.open_requests()


def find_stacks(member: CloudRequests) -> dict[str, str]:
    return {
        each["stack_name"]: each["stack_status"] for each in member.find("orchestration", "/stacks", "stacks")
    }


def await_status(member: CloudRequests, status: str | None) -> None:
    """Wait until the stack has the status, or has failed; None for a stack that is gone."""

    def has_ended() -> bool:
        seen = find_stacks(member).get(NAME)
        return seen == status or (seen or "").endswith("FAILED")

    wait_for(f"the stack in {status}", has_ended, TIMEOUT_S)
    assert find_stacks(member).get(NAME) == status


def create(member: CloudRequests, template: dict[str, Any]) -> str:
    """Begin to create the stack, and return its path."""
    body = {"stack_name": NAME, "template": template}
    stack = member.send("orchestration", "POST", "/stacks", body)["stack"]
    return f"/stacks/{NAME}/{stack['id']}"


def update(member: CloudRequests, path: str, template: dict[str, Any]) -> None:
    member.send("orchestration", "PUT", path, {"template": template})
    await_status(member, "UPDATE_COMPLETE")


def delete(member: CloudRequests, path: str) -> None:
    member.send("orchestration", "DELETE", path)
    await_status(member, None)


def read_outputs(member: CloudRequests, path: str) -> dict[str, str]:
    outputs = member.send("orchestration", "GET", path)["stack"]["outputs"]
    return {each["output_key"]: each["output_value"] for each in outputs}


def read_volume(member: CloudRequests, volume: str) -> tuple[str, int]:
    found = member.send("block-storage", "GET", f"/volumes/{volume}")["volume"]
    return found["status"], found["size"]


def read_server(member: CloudRequests, server: str) -> tuple[str, str]:
    found = member.send("compute", "GET", f"/servers/{server}")["server"]
    return found["status"], found["flavor"]["original_name"]


def read_networks(member: CloudRequests, group: str) -> set[str]:
    found = member.send("network", "GET", f"/v2.0/security-groups/{group}")["security_group"]
    return {rule["remote_ip_prefix"] for rule in found["security_group_rules"] if rule["remote_ip_prefix"]}


def list_servers(member: CloudRequests) -> list[str]:
    return [server["id"] for server in member.find("compute", "/servers", "servers")]


def test_a_stack_is_changed_in_place_and_deleted(member: CloudRequests) -> None:
    path = create(member, build_template())
    await_status(member, "CREATE_COMPLETE")
    made = read_outputs(member, path)
    assert read_server(member, made["server"]) == ("ACTIVE", "m1.tiny")
    assert read_volume(member, made["volume"]) == ("in-use", 1)

    new = "198.51.100.0/24"
    update(member, path, build_template("m1.small", network=new))
    assert read_server(member, made["server"]) == ("ACTIVE", "m1.small")
    assert read_networks(member, made["group"]) == {new}

    update(member, path, build_template("m1.small", 2, new))
    assert read_volume(member, made["volume"]) == ("in-use", 2)
    assert read_outputs(member, path) == made

    delete(member, path)
    assert made["server"] not in list_servers(member)


@pytest.mark.patient  # Heat tries six times
def test_a_server_in_error_fails_its_stack(member: CloudRequests) -> None:
    path = create(member, build_template("broken"))

    await_status(member, "CREATE_FAILED")

    reason = member.send("orchestration", "GET", path)["stack"]["stack_status_reason"]
    assert "Exceeded maximum number of retries" in reason
    delete(member, path)


@pytest.mark.patient  # Heat waits until the update's own time is over
def test_a_resize_without_a_host_fails_its_stack_when_its_time_is_over(member: CloudRequests) -> None:
    path = create(member, build_template())
    await_status(member, "CREATE_COMPLETE")
    server = read_outputs(member, path)["server"]

    body = {"template": build_template("no-host"), "timeout_mins": 1}
    member.send("orchestration", "PUT", path, body)
    await_status(member, "UPDATE_FAILED")

    assert read_server(member, server) == ("ACTIVE", "m1.tiny")
    delete(member, path)
