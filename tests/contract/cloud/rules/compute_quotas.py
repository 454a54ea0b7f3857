"""Nova: quotas, which are looked at before anything is reserved. These rules run alone."""

from __future__ import annotations

from tests.contract.cloud.client import COMPUTE, NETWORK
from tests.contract.cloud.rule_area import CloudRuleArea
from tests.contract.cloud.scope import LARGER_FLAVOR, CloudScope, build_data_device, build_root_device
from tests.contract.cloud.server_requests import (
    OTHER_FLAVOR,
    describe_answer,
    request_member,
    request_server,
    run_server,
)
from tests.contract.rule import Observation

area = CloudRuleArea("quotas of compute")
USED = ("totalInstancesUsed", "totalCoresUsed", "totalRAMUsed")


def read_limits(scope: CloudScope) -> dict[str, int]:
    return dict(scope.read(COMPUTE, "/limits")["limits"]["absolute"])


@area.rule_of_scope(
    {
        "answer": "403 forbidden: Quota exceeded for instances: Requested 1, but already used 0 of 0 instances",
        "volume": "available",
    },
    alone=True,
)
def a_server_over_the_quota_is_403_and_reserves_no_volume(scope: CloudScope) -> Observation:
    volume = scope.create_volume()
    devices = [build_root_device(scope.find_image()), build_data_device(volume)]
    with scope.cloud.operator.limit_quota("instances", 0):
        answer = request_server(scope, block_device_mapping_v2=devices)
    return {"answer": answer, "volume": scope.read_status("volume", volume)}


@area.rule_of_scope(
    [
        "403 forbidden: Quota exceeded for cores: Requested 2, but already used 0 of 1 cores",
        "403 forbidden: Quota exceeded for cores, ram: Requested 2, 512, but already used 0, 0 of 1, 256 cores, ram",
    ],
    alone=True,
)
def the_answer_names_every_quota_that_a_server_is_over(scope: CloudScope) -> Observation:
    flavor, operator = scope.find_flavor(OTHER_FLAVOR), scope.cloud.operator
    with operator.limit_quota("cores", 1):
        answers = [request_server(scope, flavorRef=flavor)]
        with operator.limit_quota("ram", 256):
            answers.append(request_server(scope, flavorRef=flavor))
    return answers


@area.rule_of_scope(
    {
        "resize": "403 forbidden: Quota exceeded for ram: Requested 128, but already used 128 of 200 ram",
        "status": "ACTIVE",
        "used": {"totalInstancesUsed": 1, "totalCoresUsed": 1, "totalRAMUsed": 128},
        "limits": [200, 128, 100],
        "used afterwards": {"totalInstancesUsed": 0, "totalCoresUsed": 0, "totalRAMUsed": 0},
    },
    alone=True,
)
def a_resize_over_the_quota_is_403_and_the_limits_show_what_is_used(scope: CloudScope) -> Observation:
    server = run_server(scope)
    with scope.cloud.operator.limit_quota("ram", 200):
        flavor = scope.find_flavor(LARGER_FLAVOR)
        answer = describe_answer(scope.act(server, "resize", {"flavorRef": flavor}))
        limits = read_limits(scope)
    status = scope.read_status("server", server)
    scope.delete("server", server)
    scope.await_status("server", server, "gone")
    afterwards = read_limits(scope)
    return {
        "resize": answer,
        "status": status,
        "used": {name: limits[name] for name in USED},
        "limits": [limits[name] for name in ("maxTotalRAMSize", "maxServerMeta", "maxTotalKeypairs")],
        "used afterwards": {name: afterwards[name] for name in USED},
    }


@area.rule_of_scope("403 forbidden: Maximum number of ports exceeded", alone=True)
def a_server_whose_port_is_over_the_quota_is_403(scope: CloudScope) -> Observation:
    networks = [{"uuid": scope.find_network()}]
    present = len(scope.read(NETWORK, "/v2.0/ports")["ports"])
    with scope.cloud.operator.limit_quota("ports", present):
        return request_server(scope, networks=networks)


@area.rule_of_scope(
    [
        "403 forbidden: Quota exceeded, too many server groups.",
        "403 forbidden: Quota exceeded, too many servers in group",
    ],
    alone=True,
)
def server_groups_and_their_members_have_quotas(scope: CloudScope) -> Observation:
    operator = scope.cloud.operator
    group = scope.create("server_group", {"name": "group", "policy": "anti-affinity"})["id"]
    with operator.limit_quota("server_groups", 1):
        second = scope.request_creation("server_group", {"name": "other", "policy": "affinity"})
    with operator.limit_quota("server_group_members", 0):
        member = request_member(scope, group)
    return [describe_answer(second), describe_answer(member)]
