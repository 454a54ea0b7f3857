"""The template: the origin's names, wired so that Heat takes it, and what binds its shape."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from guestagent.controller import Cluster, Dialect, render, stack_timeout_minutes
from guestagent.errors import InvalidCluster
from guestagent.metadata import Role, parse
from tests.support.cluster_strategies import SMALL, build_cluster, clusters

DATABASE_PORT = {"IpProtocol": "tcp", "FromPort": "3306", "ToPort": "3306"}
ORIGIN = ["Master0000ReadyWaitCond", "Master0000ReadyWaitCondHandle", "Master0000"]


def resources(of: Cluster) -> dict[str, Any]:
    found: dict[str, Any] = render(of)["Resources"]
    return found


def depends_on(resource: dict[str, Any]) -> list[str]:
    found = resource.get("DependsOn", [])
    return [found] if isinstance(found, str) else list(found)


def refers(resource: dict[str, Any]) -> bool:
    return '{"Ref": ' in json.dumps(resource)


def documents(of: Cluster) -> dict[str, Any]:
    return {node.name: resources(of)[node.name]["Metadata"] for node in of}


def test_the_origins_resources_have_the_origins_names() -> None:
    made = resources(build_cluster(replicas=1))

    assert {*ORIGIN, "Slave0000ReadyWaitCond", "Slave0000ReadyWaitCondHandle", "Slave0000"} <= set(made)


def test_the_condition_waits_for_the_handle_and_its_clock_starts_with_the_server() -> None:
    made = resources(build_cluster(deadline=60, boot_allowance=200))

    assert made["Master0000ReadyWaitCond"] == {
        "Type": "AWS::CloudFormation::WaitCondition",
        "DependsOn": ["Master0000"],
        "Properties": {"Handle": {"Ref": "Master0000ReadyWaitCondHandle"}, "Timeout": 260},
    }
    assert "Properties" not in made["Master0000ReadyWaitCondHandle"]


def test_the_sources_document_names_every_replicas_user() -> None:
    made = documents(build_cluster(replicas=2, replica_network="10.0.0.0/24"))

    assert made["Master0000"] == {
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
    made = documents(build_cluster(replicas=1, replica_network="10.0.0.0/24"))

    assert made["Slave0000"] == {
        "ReadyWaitCondition": {"Ref": "Slave0000ReadyWaitCondHandle"},
        "GuestAgent": {"Version": 1, "Node": "Slave0000", "Generation": 1, "ServerId": 102, "Deadline": 90},
        "Master": {
            "Address": {"Fn::GetAtt": ["Master0000", "PrivateIp"]},
            "Port": 3306,
            "User": {"name": "slave0000", "password": {"Ref": "Slave0000Password"}},
        },
    }


@given(clusters().map(lambda made: made.in_dialect(Dialect.CFN)))
def test_every_nodes_document_keeps_the_contract_with_the_agent(made: Cluster) -> None:
    read = {name: parse(document) for name, document in documents(made).items()}

    for node in made:
        section = read[node.name].section
        assert (section.node, section.generation, section.server_id) == (
            node.name,
            node.generation,
            node.server_id,
        )
        assert section.deadline == made.deadline
    assert read[made.source.name].role is Role.SOURCE
    assert len(read[made.source.name].users) == len(made.replicas)
    assert all(read[replica.name].role is Role.REPLICA for replica in made.replicas)


def test_a_source_without_replicas_has_no_users() -> None:
    assert "Users" not in documents(build_cluster())["Master0000"]


def test_begin_is_the_only_resource_without_dependencies() -> None:
    made = resources(build_cluster(replicas=3, network="net"))

    leaves = [name for name, resource in made.items() if "DependsOn" not in resource and not refers(resource)]

    assert leaves == ["Begin"]


def test_end_waits_for_every_condition() -> None:
    made = resources(build_cluster(replicas=2).add_replica(SMALL))

    assert made["End"]["DependsOn"] == [
        "Master0000ReadyWaitCond2",
        "Slave0000ReadyWaitCond",
        "Slave0001ReadyWaitCond",
        "Slave0002ReadyWaitCond",
    ]


def test_a_replicas_handle_comes_after_the_sources_proof() -> None:
    made = resources(build_cluster(replicas=1).add_replica(SMALL))

    for name in ("Slave0000ReadyWaitCondHandle", "Slave0001ReadyWaitCondHandle"):
        assert depends_on(made[name]) == ["Master0000ReadyWaitCond2"]
    assert depends_on(made["Master0000ReadyWaitCondHandle2"]) == ["Begin"]


def test_no_replica_is_touched_before_every_handle_is_there() -> None:
    """A signal of one, while the handle of another is being made, may hang the stack."""
    made = resources(build_cluster(replicas=2).renew("Slave0001"))

    assert depends_on(made["Handles"]) == ["Slave0000ReadyWaitCondHandle", "Slave0001ReadyWaitCondHandle2"]
    assert depends_on(made["Slave0000"]) == depends_on(made["Slave0001"]) == ["Handles"]
    assert "Handles" not in resources(build_cluster())


def test_a_new_generation_takes_the_place_of_the_old_one() -> None:
    made = resources(build_cluster().renew("Master0000"))

    assert "Master0000ReadyWaitCondHandle2" in made
    assert "Master0000ReadyWaitCondHandle" not in made
    assert made["Master0000"]["Metadata"]["ReadyWaitCondition"] == {"Ref": "Master0000ReadyWaitCondHandle2"}
    assert made["Master0000"]["Metadata"]["GuestAgent"]["Generation"] == 2


def test_user_data_stays_the_same_through_every_operation() -> None:
    before = build_cluster(replicas=2)
    after = before.add_replica(SMALL).renew("Slave0001").remove_replica("Slave0000")

    for name in ("Master0000", "Slave0001"):
        assert resources(after)[name]["Properties"] == resources(before)[name]["Properties"]


def test_user_data_tells_os_collect_config_where_the_metadata_is() -> None:
    made = resources(build_cluster(metadata_url="http://heat:8000/v1/", polling_interval=5))

    pieces = made["Master0000"]["Properties"]["UserData"]["Fn::Base64"]["Fn::Join"][1]

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
    made = resources(build_cluster())

    pieces = made["Master0000"]["Properties"]["UserData"]["Fn::Base64"]["Fn::Join"][1]

    assert "metadata_url" not in pieces[0]
    assert "$(cat /var/lib/heat-cfntools/cfn-metadata-server)" in pieces[-1].partition("GUESTAGENT\n")[2]


def test_each_node_reads_its_own_metadata_only_and_has_its_own_password() -> None:
    made = resources(build_cluster(replicas=1))

    for name in ("Master0000", "Slave0000"):
        assert made[f"{name}Policy"]["Properties"] == {"AllowedResources": [name]}
        assert made[f"{name}User"]["Properties"] == {"Policies": [{"Ref": f"{name}Policy"}]}
        assert made[f"{name}AccessKey"]["Properties"] == {"UserName": {"Ref": f"{name}User"}}
        assert made[f"{name}Password"]["Type"] == "OS::Heat::RandomString"


def test_the_database_port_is_open_to_the_nodes_and_the_client_networks_only() -> None:
    made = resources(build_cluster(client_networks=["10.1.0.0/16"]))

    rules = made["Database"]["Properties"]["SecurityGroupIngress"]

    assert rules == [
        {**DATABASE_PORT, "SourceSecurityGroupId": {"Ref": "Members"}},
        {**DATABASE_PORT, "CidrIp": "10.1.0.0/16"},
    ]
    assert made["Master0000"]["Properties"]["SecurityGroupIds"] == [{"Ref": "Members"}, {"Ref": "Database"}]


def test_nodes_stand_in_the_subnet_with_the_key_pair() -> None:
    made = resources(build_cluster(subnet="subnet-id", key_pair="ops"))["Master0000"]["Properties"]

    assert (made["SubnetId"], made["KeyName"]) == ("subnet-id", "ops")


def test_in_a_network_each_node_has_a_port_with_the_groups() -> None:
    made = resources(build_cluster(network="net-id"))

    assert made["Master0000Port"]["Properties"] == {
        "network": "net-id",
        "security_groups": [{"Ref": "Members"}, {"Ref": "Database"}],
    }
    assert made["Master0000"]["Properties"]["NetworkInterfaces"] == [{"Ref": "Master0000Port"}]
    assert "SecurityGroupIds" not in made["Master0000"]["Properties"]


def test_outputs_tell_each_nodes_address_and_evidence() -> None:
    assert render(build_cluster().renew("Master0000"))["Outputs"] == {
        "Master0000Address": {"Value": {"Fn::GetAtt": ["Master0000", "PrivateIp"]}},
        "Master0000Evidence": {"Value": {"Fn::GetAtt": ["Master0000ReadyWaitCond2", "Data"]}},
    }


def test_the_largest_cluster_has_141_replicas() -> None:
    assert len(resources(build_cluster(replicas=141))) <= 1000

    with pytest.raises(InvalidCluster) as refused:
        render(build_cluster(replicas=142))

    assert str(refused.value).startswith("cluster: expected at most 1000 resources in a stack, found 1006")


def test_a_template_over_heats_size_is_refused() -> None:
    with pytest.raises(InvalidCluster, match="expected a template of at most 524288 bytes"):
        render(build_cluster(replicas=141, metadata_url="http://heat/" + "u" * 2000))


@pytest.mark.parametrize(("replicas", "minutes"), [(0, 17), (1, 33), (50, 33)])
def test_the_stacks_timeout_follows_the_critical_path(replicas: int, minutes: int) -> None:
    assert stack_timeout_minutes(build_cluster(replicas)) == minutes
