"""The template: the origin's names, wired so that Heat takes it, and what binds its shape."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from guestagent.controller import Cluster, Dialect, render, stack_timeout_minutes
from guestagent.errors import InvalidCluster
from guestagent.metadata import Role, parse
from tests.support.cluster_strategies import SMALL, build_cluster, clusters, forget_hot

DATABASE_PORT = {"IpProtocol": "tcp", "FromPort": "3306", "ToPort": "3306"}
ORIGIN = ["Master0000ReadyWaitCond", "Master0000ReadyWaitCondHandle", "Master0000"]


def render_resources(cluster: Cluster) -> dict[str, Any]:
    resources: dict[str, Any] = render(cluster)["Resources"]
    return resources


def list_dependencies(resource: dict[str, Any]) -> list[str]:
    dependencies = resource.get("DependsOn", [])
    return [dependencies] if isinstance(dependencies, str) else list(dependencies)


def has_reference(resource: dict[str, Any]) -> bool:
    return '{"Ref": ' in json.dumps(resource)


def render_documents(cluster: Cluster) -> dict[str, Any]:
    return {node.name: render_resources(cluster)[node.name]["Metadata"] for node in cluster}


def test_the_resources_have_the_names_of_2013() -> None:
    resources = render_resources(build_cluster(replicas=1))

    assert {*ORIGIN, "Slave0000ReadyWaitCond", "Slave0000ReadyWaitCondHandle", "Slave0000"} <= set(resources)


def test_the_condition_waits_for_the_handle_and_its_time_begins_with_the_server() -> None:
    resources = render_resources(build_cluster(deadline=60, boot_allowance=200))

    assert resources["Master0000ReadyWaitCond"] == {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": ["Master0000"],
        "Properties": {"Handle": {"Ref": "Master0000ReadyWaitCondHandle"}, "Timeout": 260},
    }
    assert "Properties" not in resources["Master0000ReadyWaitCondHandle"]


def test_the_sources_document_names_every_replicas_user() -> None:
    documents = render_documents(build_cluster(replicas=2, replica_network="10.0.0.0/24"))

    assert documents["Master0000"] == {
        "ReadyWaitCondition": {"Ref": "Master0000ReadyWaitCondHandle"},
        "GuestAgent": {
            "Version": 1,
            "Node": "Master0000",
            "Generation": 1,
            "ServerId": 101,
            "Deadline": 90,
            "Network": "10.0.0.0/24",
        },
        "Users": [
            {"name": "slave0000", "password": {"Ref": "Slave0000Password"}},
            {"name": "slave0001", "password": {"Ref": "Slave0001Password"}},
        ],
    }


def test_a_replicas_document_leads_to_its_source() -> None:
    documents = render_documents(build_cluster(replicas=1, replica_network="10.0.0.0/24"))

    assert documents["Slave0000"] == {
        "ReadyWaitCondition": {"Ref": "Slave0000ReadyWaitCondHandle"},
        "GuestAgent": {"Version": 1, "Node": "Slave0000", "Generation": 1, "ServerId": 102, "Deadline": 90},
        "Master": {
            "Address": {"Fn::GetAtt": ["Master0000", "PrivateIp"]},
            "Port": 3306,
            "User": {"name": "slave0000", "password": {"Ref": "Slave0000Password"}},
        },
    }


@given(clusters().map(forget_hot).map(lambda cluster: cluster.in_dialect(Dialect.CFN)))
def test_every_nodes_document_keeps_the_contract_with_the_agent(cluster: Cluster) -> None:
    documents = {name: parse(document) for name, document in render_documents(cluster).items()}

    for node in cluster:
        section = documents[node.name].section
        assert (section.node, section.generation, section.server_id) == (
            node.name,
            node.generation,
            node.server_id,
        )
        assert section.deadline == cluster.deadline
    assert documents[cluster.own_source.name].role is Role.SOURCE
    assert len(documents[cluster.own_source.name].users) == len(cluster.replicas) + len(cluster.followers)
    assert all(documents[replica.name].role is Role.REPLICA for replica in cluster.replicas)


def test_a_source_without_replicas_has_no_users() -> None:
    assert "Users" not in render_documents(build_cluster())["Master0000"]


def test_begin_is_the_only_resource_without_dependencies() -> None:
    resources = render_resources(build_cluster(replicas=3, network="net"))

    leaves = [
        name
        for name, resource in resources.items()
        if "DependsOn" not in resource and not has_reference(resource)
    ]

    assert leaves == ["Begin"]


def test_end_waits_for_every_condition() -> None:
    resources = render_resources(build_cluster(replicas=2).add_replica(SMALL))

    assert resources["End"]["DependsOn"] == [
        "Master0000ReadyWaitCond2",
        "Slave0000ReadyWaitCond",
        "Slave0001ReadyWaitCond",
        "Slave0002ReadyWaitCond",
    ]


def test_a_replicas_handle_comes_after_the_sources_proof() -> None:
    resources = render_resources(build_cluster(replicas=1).add_replica(SMALL))

    for name in ("Slave0000ReadyWaitCondHandle", "Slave0001ReadyWaitCondHandle"):
        assert list_dependencies(resources[name]) == ["Master0000ReadyWaitCond2"]
    assert list_dependencies(resources["Master0000ReadyWaitCondHandle2"]) == ["Begin"]


def test_no_replica_is_touched_before_every_handle_is_there() -> None:
    """A signal of one, while the handle of another is being made, may hang the stack."""
    resources = render_resources(build_cluster(replicas=2).renew("Slave0001"))

    assert list_dependencies(resources["Handles"]) == [
        "Slave0000ReadyWaitCondHandle",
        "Slave0001ReadyWaitCondHandle2",
    ]
    assert (
        list_dependencies(resources["Slave0000"]) == list_dependencies(resources["Slave0001"]) == ["Handles"]
    )
    assert "Handles" not in render_resources(build_cluster())


def test_a_new_generation_takes_the_place_of_the_old_one() -> None:
    resources = render_resources(build_cluster().renew("Master0000"))

    assert "Master0000ReadyWaitCondHandle2" in resources
    assert "Master0000ReadyWaitCondHandle" not in resources
    assert resources["Master0000"]["Metadata"]["ReadyWaitCondition"] == {
        "Ref": "Master0000ReadyWaitCondHandle2"
    }
    assert resources["Master0000"]["Metadata"]["GuestAgent"]["Generation"] == 2


def test_user_data_stays_the_same_through_every_operation() -> None:
    before = build_cluster(replicas=2)
    after = before.add_replica(SMALL).renew("Slave0001").remove_replica("Slave0000")

    for name in ("Master0000", "Slave0001"):
        assert render_resources(after)[name]["Properties"] == render_resources(before)[name]["Properties"]


def test_user_data_configures_the_address_of_the_metadata() -> None:
    resources = render_resources(build_cluster(metadata_url="http://heat:8000/v1/", polling_interval=5))

    pieces = resources["Master0000"]["Properties"]["UserData"]["Fn::Base64"]["Fn::Join"][1]

    assert "".join(piece if isinstance(piece, str) else f"<{next(iter(piece))}>" for piece in pieces) == (
        "#!/bin/sh\n"
        "set -eu\n"
        "umask 077\n"
        "cat > /etc/os-collect-config.conf <<'GUESTAGENT'\n"
        "[DEFAULT]\n"
        "command = guestagent poke\n"
        "collectors = cfn\n"
        "polling_interval = 5\n"
        "[cfn]\n"
        "metadata_url = http://heat:8000/v1/\n"
        "stack_name = <Ref>\n"
        "path = Master0000.Metadata\n"
        "access_key_id = <Ref>\n"
        "secret_access_key = <Fn::GetAtt>\n"
        "GUESTAGENT\n"
    )


def test_without_an_address_of_the_cfn_api_the_guest_asks_heats_boot_data() -> None:
    resources = render_resources(build_cluster())

    pieces = resources["Master0000"]["Properties"]["UserData"]["Fn::Base64"]["Fn::Join"][1]

    assert "metadata_url" not in pieces[0]
    assert "$(cat /var/lib/heat-cfntools/cfn-metadata-server)" in pieces[-1].partition("GUESTAGENT\n")[2]


def test_each_node_reads_its_own_metadata_only_and_has_its_own_password() -> None:
    resources = render_resources(build_cluster(replicas=1))

    for name in ("Master0000", "Slave0000"):
        assert resources[f"{name}Policy"]["Properties"] == {"AllowedResources": [name]}
        assert resources[f"{name}User"]["Properties"] == {"Policies": [{"Ref": f"{name}Policy"}]}
        assert resources[f"{name}AccessKey"]["Properties"] == {"UserName": {"Ref": f"{name}User"}}
        assert resources[f"{name}Password"]["Type"] == "OS::Heat::RandomString"


def test_the_database_port_is_open_to_the_nodes_and_the_client_networks_only() -> None:
    resources = render_resources(build_cluster(client_networks=["10.1.0.0/16"]))

    rules = resources["Database"]["Properties"]["SecurityGroupIngress"]

    assert rules == [
        {**DATABASE_PORT, "SourceSecurityGroupId": {"Ref": "Members"}},
        {**DATABASE_PORT, "CidrIp": "10.1.0.0/16"},
    ]
    assert resources["Master0000"]["Properties"]["SecurityGroupIds"] == [
        {"Ref": "Members"},
        {"Ref": "Database"},
    ]


def test_nodes_stand_in_the_subnet_with_the_key_pair() -> None:
    properties = render_resources(build_cluster(subnet="subnet-id", key_pair="ops"))["Master0000"][
        "Properties"
    ]

    assert (properties["SubnetId"], properties["KeyName"]) == ("subnet-id", "ops")


def test_in_a_network_each_node_has_a_port_with_the_groups() -> None:
    resources = render_resources(build_cluster(network="net-id"))

    assert resources["Master0000Port"]["Properties"] == {
        "network": "net-id",
        "security_groups": [{"Ref": "Members"}, {"Ref": "Database"}],
    }
    assert resources["Master0000"]["Properties"]["NetworkInterfaces"] == [{"Ref": "Master0000Port"}]
    assert "SecurityGroupIds" not in resources["Master0000"]["Properties"]


def test_outputs_have_each_nodes_address_and_evidence() -> None:
    assert render(build_cluster().renew("Master0000"))["Outputs"] == {
        "Master0000Address": {"Value": {"Fn::GetAtt": ["Master0000", "PrivateIp"]}},
        "Master0000Evidence": {"Value": {"Fn::GetAtt": ["Master0000ReadyWaitCond2", "Data"]}},
    }


def test_the_largest_cluster_has_141_replicas() -> None:
    assert len(render_resources(build_cluster(replicas=141))) <= 1000

    with pytest.raises(InvalidCluster) as refused:
        render(build_cluster(replicas=142))

    assert str(refused.value).startswith("cluster: expected at most 1000 resources in a stack, found 1006")


def test_a_template_over_heats_size_is_refused() -> None:
    with pytest.raises(InvalidCluster, match="expected a template of at most 524288 bytes"):
        render(build_cluster(replicas=141, metadata_url="http://heat/" + "u" * 2000))


@pytest.mark.parametrize(("replicas", "minutes"), [(0, 17), (1, 33), (50, 33)])
def test_the_stacks_timeout_follows_the_critical_path(replicas: int, minutes: int) -> None:
    assert stack_timeout_minutes(build_cluster(replicas)) == minutes
