"""What people read about the requests of NATIVES, in an operation's step and in a cluster's history."""

from __future__ import annotations

from typing import get_args

from guestagent.resources.natives.fake_faults import CloudFault, FaultKind
from guestagent.resources.natives.request_words import describe_request
from guestagent.resources.natives.requests import CloudRequest, CreateServer
from guestagent.resources.operation import RefusalCode
from guestagent.resources.orders import CreateCluster, RestartInstance
from tests.support.orders import build_order
from tests.unit.resources.natives.request_samples import SAMPLES
from tests.unit.resources.natives.worlds import World

WORDS = [
    "create security group database",
    "create rule ingress/IPv4/tcp/3306-3306/192.0.2.0/24 of security group database",
    "delete rule ingress/IPv4/tcp/3306-3306/192.0.2.0/24 of security group database",
    "delete security group database",
    "create the server group of shop",
    "delete the server group of shop",
    "create the volume of Slave0000",
    "grow the volume of Slave0000 to 20 GiB",
    "release the volume of Slave0000, which is reserved for a server that is not there",
    "delete the volume of Slave0000",
    "create the port of Slave0000",
    "set the security groups of the port of Slave0000",
    "delete the port of Slave0000",
    "create the server of Slave0000",
    "create another server of Slave0000",
    "delete the server of Slave0000",
    "resize Slave0000 to flavor m1.large",
    "confirm the resize of Slave0000",
    "revert the resize of Slave0000",
    "move Slave0000 to another host",
    "confirm the migration of Slave0000",
    "restart Slave0000",
    "restart Slave0000 hard",
]


def test_each_request_is_a_sentence_about_an_instance_or_a_group() -> None:
    assert [describe_request(request, key) for request, key in SAMPLES] == WORDS


def test_no_request_is_without_words() -> None:
    assert {type(request) for request, _ in SAMPLES} == set(get_args(CloudRequest))


def test_the_history_of_a_creation_is_in_the_same_words() -> None:
    world = World()

    world.run(build_order(CreateCluster, request_id="first", description={"replicas": 0}))

    assert [event.text for event in world.store.events("shop")] == [
        "create_cluster (request first) begins",
        "create security group database",
        "create the server group of shop",
        "create the volume of Master0000",
        "create rule ingress/IPv4/tcp/3306-3306/192.0.2.0/24 of security group database",
        "create rule ingress/IPv4/tcp/3306-3306/group of security group database",
        "create the port of Master0000",
        "create the server of Master0000",
        "create_cluster (request first) is done",
    ]


def test_the_history_names_what_the_cloud_refused_and_the_end() -> None:
    world = World().create()
    world.cloud.project.limits.fails_reboot = True

    world.run(build_order(RestartInstance, request_id="second", instance="Master0000"))

    assert [event.text for event in world.store.events("shop")][-3:] == [
        "restart_instance (request second) begins",
        "restart Master0000",
        "restart_instance (request second) is failed (refused): the restart of Master0000 failed: Nova gives no reason",
    ]


def test_a_refusal_is_named_once_with_its_code() -> None:
    world = World()
    quota = CloudFault(FaultKind.REFUSED, CreateServer, code=RefusalCode.QUOTA, message="1 of 1 servers")
    world.cloud.faults.append(quota)

    world.run_until_stuck(build_order(CreateCluster, description={"replicas": 0}))
    world.live(100)

    refusals = [each.text for each in world.store.events("shop") if "refused" in each.text]
    assert refusals == ["the cloud refused to create the server of Master0000 (quota): 1 of 1 servers"]
