"""The same cluster in HOT: the names of the other dialect, and the types and policies that are better here."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import given

from guestagent.controller import Cluster, Dialect, FakeHeat, Stacks, lint, parse, render
from guestagent.controller.template.security_group import build_follower_rules, list_client_rules
from guestagent.errors import InvalidCluster, InvalidTemplate
from guestagent.metadata import Role
from guestagent.metadata import parse as parse_document
from guestagent.retry import FakeClock
from tests.support.cluster_strategies import (
    SMALL,
    build_cluster,
    clusters,
    forget_hot,
    forget_seeds,
    list_names,
)


def build_hot_cluster(replicas: int = 0, **settings: Any) -> Cluster:
    return build_cluster(replicas, dialect=Dialect.HOT, **settings)


def render_resources(cluster: Cluster) -> dict[str, Any]:
    resources: dict[str, Any] = render(cluster)["resources"]
    return resources


def test_it_is_heats_own_dialect() -> None:
    template = render(build_hot_cluster())

    assert list(template) == ["heat_template_version", "description", "resources", "outputs"]
    assert template["heat_template_version"] == "2018-08-31"


def test_a_server_polls_heat_and_is_changed_in_place() -> None:
    assert render_resources(build_hot_cluster(network="net-id", key_pair="ops"))["Master0000"][
        "properties"
    ] == {
        "image": "guestagent-mariadb",
        "flavor": "m1.large",
        "user_data_format": "SOFTWARE_CONFIG",
        "software_config_transport": "POLL_SERVER_HEAT",
        "user_data_update_policy": "IGNORE",
        "flavor_update_policy": "RESIZE",
        "image_update_policy": "REPLACE",
        "key_name": "ops",
        "networks": [{"port": {"get_resource": "Master0000Port"}}],
    }


def test_in_a_subnet_or_the_only_network_the_server_itself_has_the_group() -> None:
    group = [{"get_resource": "Database"}]

    alone = render_resources(build_hot_cluster())["Master0000"]["properties"]
    inside = render_resources(build_hot_cluster(subnet="subnet-id"))["Master0000"]["properties"]

    assert (alone["security_groups"], "networks" in alone) == (group, False)
    assert (inside["security_groups"], inside["networks"]) == (group, [{"subnet": "subnet-id"}])


def test_the_database_port_is_open_to_the_group_itself_and_the_client_networks_only() -> None:
    cluster = build_hot_cluster(client_networks=["10.1.0.0/16"])

    resources = render_resources(cluster)

    port = {"protocol": "tcp", "port_range_min": 3306, "port_range_max": 3306}
    group = {"security_group": {"get_resource": "Database"}}
    assert resources["Database"]["properties"]["rules"] == [{**port, "remote_mode": "remote_group_id"}]
    assert [
        each["properties"] for each in resources.values() if each["type"].endswith("SecurityGroupRule")
    ] == [{**group, **port, "remote_ip_prefix": "10.1.0.0/16"}]


def test_the_condition_waits_for_one_signal_to_its_handle() -> None:
    resources = render_resources(build_hot_cluster(deadline=60, boot_allowance=200))

    assert resources["Master0000ReadyWaitCond"] == {
        "type": "OS::Heat::WaitCondition",
        "depends_on": ["Master0000"],
        "properties": {
            "handle": {"get_resource": "Master0000ReadyWaitCondHandle"},
            "timeout": 260,
            "count": 1,
        },
    }
    assert resources["Master0000ReadyWaitCondHandle"]["properties"] == {"signal_transport": "CFN_SIGNAL"}


def test_a_replicas_document_leads_to_the_sources_port() -> None:
    metadata = render_resources(build_hot_cluster(1, network="net-id"))["Slave0000"]["metadata"]

    assert metadata == {
        "ReadyWaitCondition": {"get_attr": ["Slave0000ReadyWaitCondHandle", "signal"]},
        "GuestAgent": {
            "Version": 1,
            "Node": "Slave0000",
            "Generation": 1,
            "ServerId": 102,
            "Deadline": 90,
            "PollingInterval": 10,
        },
        "Master": {
            "Address": {"get_attr": ["Master0000Port", "fixed_ips", 0, "ip_address"]},
            "Port": 3306,
            "User": {"name": "slave0000", "password": {"get_attr": ["Slave0000Password", "value"]}},
        },
    }


def convert_to_hot(cluster: Cluster) -> Cluster:
    return cluster.in_dialect(Dialect.HOT)


@given(clusters().map(convert_to_hot))
def test_every_nodes_document_keeps_the_contract_with_the_agent(cluster: Cluster) -> None:
    documents = {
        node.name: parse_document(render_resources(cluster)[node.name]["metadata"]) for node in cluster
    }

    assert [documents[node.name].section.server_id for node in cluster] == [
        node.server_id for node in cluster
    ]
    assert [documents[node.name].role for node in cluster] == [Role.SOURCE] + [Role.REPLICA] * len(
        cluster.replicas
    )


@given(clusters().map(convert_to_hot))
def test_a_template_reads_back_as_its_cluster_through_yaml_and_json(cluster: Cluster) -> None:
    template = render(cluster)

    assert parse(yaml.safe_load(yaml.safe_dump(template))) == cluster
    assert parse(json.loads(json.dumps(template, sort_keys=True))) == cluster


@given(clusters().map(forget_seeds).map(forget_hot))
def test_both_formats_are_of_the_same_cluster(cluster: Cluster) -> None:
    there = parse(render(cluster.in_dialect(Dialect.HOT)))

    assert there.in_dialect(Dialect.CFN) == replace(cluster.in_dialect(Dialect.CFN), metadata_url=None)


@given(clusters().map(forget_seeds).map(forget_hot).map(convert_to_hot))
def test_the_same_resources_but_for_keys_groups_and_rules_stand_in_both(cluster: Cluster) -> None:
    here, there = set(render_resources(cluster)), set(render(cluster.in_dialect(Dialect.CFN))["Resources"])
    keys = {name for node in cluster for name in (node.policy, node.user, node.access_key)}

    assert there - here == {"Members", *keys}
    assert here - there == set(list_client_rules(cluster)) - build_follower_rules(cluster).keys()


def test_begin_is_the_only_resource_without_dependencies() -> None:
    resources = render_resources(build_hot_cluster(3, network="net"))

    leaves = [
        name
        for name, resource in resources.items()
        if "depends_on" not in resource and "get_resource" not in json.dumps(resource)
    ]

    assert leaves == ["Begin"]


def test_the_largest_cluster_has_248_replicas() -> None:
    assert len(render_resources(build_hot_cluster(248))) <= 1000

    with pytest.raises(InvalidCluster, match="at most 1000 resources in a stack, found 1004"):
        render(build_hot_cluster(249))


def test_heat_gives_its_guests_the_address_of_their_metadata() -> None:
    with pytest.raises(InvalidCluster, match="metadata_url: expected none in HOT, found one"):
        build_hot_cluster(metadata_url="http://heat/v1/")


def test_a_version_that_yaml_read_as_a_date_is_taken() -> None:
    assert (
        parse(render(build_hot_cluster()) | {"heat_template_version": date(2018, 8, 31)})
        == build_hot_cluster()
    )


def test_what_render_does_not_write_is_refused() -> None:
    template = render(build_hot_cluster(1))
    template["resources"]["Master0000"]["properties"]["user_data"] = "#!/bin/sh"

    with pytest.raises(InvalidTemplate, match=r"resources\.Master0000\.properties\.user_data: expected none"):
        parse(template)


def test_a_rendered_template_has_no_problems() -> None:
    assert lint(render(build_hot_cluster(2, network="net").add_replica(SMALL))) == ()


def test_the_linter_reads_any_template_of_the_dialect() -> None:
    template = {
        "resources": {
            "Ready": {"type": "OS::Heat::WaitCondition", "properties": {"timeout": 1200}},
            "Box": {"type": "OS::Nova::Server", "properties": {"flavor": {"get_attr": ["Redy", "data"]}}},
        }
    }

    assert [str(problem) for problem in lint(template)] == [
        "document: expected heat_template_version, found none (Heat requires a version)",
        "resources.Ready.properties: expected handle: {get_resource: ...}, found none "
        "(the condition names its handle, not the other way round)",
        "resources.Ready.depends_on: expected its server, found none "
        "(the clock would start before the server does)",
        "resources.Box.properties.flavor.get_attr: expected a resource of this template, found Redy "
        "(did you mean Ready?)",
    ]


def test_a_stack_keeps_its_dialect_through_every_change() -> None:
    heat = FakeHeat()
    ready = Stacks(heat, FakeClock())
    ready.wait(ready.create("db", build_hot_cluster(1)), 60)

    ready.wait(ready.change("db", lambda cluster: cluster.add_replica(SMALL)), 60)
    ready.resize("db", "Slave0000", "m1.large")

    stored_cluster = ready.cluster("db")
    assert (stored_cluster.dialect, stored_cluster.metadata_url) == (Dialect.HOT, None)
    assert list_names(stored_cluster) == ["Master0000", "Slave0000", "Slave0001"]
    assert heat.endangered == []
