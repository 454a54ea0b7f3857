"""The description of a new cluster."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from guestagent.errors import OrderRefused
from guestagent.resources.description import build_cluster, read_description
from guestagent.resources.orders import CreateCluster
from guestagent.resources.rule import build_rule
from guestagent.resources.wanted import DATABASE_GROUP, WantedCluster, WantedVolume
from guestagent.resources.wanted_document import dump_wanted, load_wanted
from tests.support.orders import build_order

SMALL = {
    "flavor": "m1.small",
    "image": "guestagent-mariadb",
    "network": "private",
    "volume": {"size_gib": 10},
    "source": {},
}


def read(**description: Any) -> WantedCluster:
    order: CreateCluster = build_order(CreateCluster, description=description)
    return read_description(order, "k1")


def find_problems(**description: Any) -> list[str]:
    with pytest.raises(OrderRefused) as caught:
        read(**description)
    assert caught.value.code == "invalid"
    return [str(problem) for problem in caught.value.problems]


def test_instances_have_the_common_values_or_their_own() -> None:
    replicas = [{}, {"flavor": "m1.big", "volume": {"size_gib": 20, "type": "fast"}, "zone": "b"}]

    wanted = read(**SMALL, replicas=replicas, zone="a")

    assert [instance.name for instance in wanted] == ["Master0000", "Slave0000", "Slave0001"]
    assert [instance.flavor for instance in wanted] == ["m1.small", "m1.small", "m1.big"]
    assert [instance.volume for instance in wanted] == [
        WantedVolume(10),
        WantedVolume(10),
        WantedVolume(20, "fast"),
    ]
    assert [instance.zone for instance in wanted] == ["a", "a", "b"]
    assert [instance.is_source for instance in wanted] == [True, False, False]


def test_replicas_by_number_are_like_their_source() -> None:
    source = {"flavor": "m1.small", "image": "db", "volume": {"size_gib": 30}}

    wanted = read(network="private", source=source, replicas=2)

    assert [instance.volume.size_gib for instance in wanted] == [30, 30, 30]


def test_the_database_port_is_open_to_members_and_clients() -> None:
    wanted = read(**SMALL, client_networks=["192.0.2.0/24", "2001:db8::/32"], ipv6=True)

    assert wanted.groups[DATABASE_GROUP] == {
        build_rule(None, port_min=3306),
        build_rule(None, port_min=3306, ethertype="IPv6"),
        build_rule(ip_network("192.0.2.0/24"), port_min=3306),
        build_rule(ip_network("2001:db8::/32"), port_min=3306),
    }


def test_a_cluster_is_the_same_after_its_way_through_the_store() -> None:
    wanted = read(
        **SMALL,
        replicas=2,
        variables={"max_connections": 300},
        deadline=200,
        replica_network="10.0.0.0/8",
        seeding={"rate_limit": 50},
    )

    cluster = build_cluster(load_wanted(dump_wanted(wanted)))

    assert [node.name for node in cluster] == ["Master0000", "Slave0000", "Slave0001"]
    assert [node.server_id for node in cluster] == [101, 102, 103]
    assert (cluster.variables, cluster.deadline) == ({"max_connections": 300}, 200)
    assert (cluster.replica_network, cluster.seeding.rate_limit) == ("10.0.0.0/8", 50)
    assert (cluster.next_server_id, cluster.next_replica) == (104, 2)


@pytest.mark.parametrize(
    "settings",
    [
        {"deadline": 3000, "auth_ttl": 3600},
        {"deadline": 100, "boot_allowance": 250, "auth_ttl": 400},
        {"ipv6": True, "client_networks": ["2001:db8::/32"]},
        {"dialect": "cfn", "metadata_url": "http://192.0.2.1:8000/v1/", "polling_interval": 5},
    ],
)
def test_what_an_order_may_say_together_the_store_may_keep(settings: dict[str, Any]) -> None:
    wanted = read(**SMALL, replicas=1, **settings)

    cluster = build_cluster(load_wanted(dump_wanted(wanted)))

    assert cluster.deadline == settings.get("deadline", cluster.deadline)


@pytest.mark.parametrize("place", [{"network": "private"}, {"subnet": "blue"}])
def test_a_cluster_is_where_it_was_described(place: dict[str, str]) -> None:
    rest = {key: value for key, value in SMALL.items() if key != "network"}

    cluster = build_cluster(read(**rest, **place))

    assert (cluster.network, cluster.subnet) == (place.get("network"), place.get("subnet"))


def test_all_problems_are_found_at_once() -> None:
    problems = find_problems(
        flavor="m1",
        image="db",
        source={"volume": {"size_gib": 0}},
        replicas=[{"volume": {"size": 1}}, "text"],
        flavour="m1",
    )

    assert [problem.split(": expected")[0] for problem in problems] == [
        "description.source.volume.size_gib",
        "description.replicas[0].volume.size",
        "description.replicas[0].volume.size_gib",
        "description.flavour",
        "description.replicas[1]",
        "description.network",
        "description.replicas[1].volume",
    ]


def test_an_instance_without_a_volume_is_a_problem() -> None:
    (problem,) = find_problems(flavor="m1", image="db", network="private", source={})

    assert problem == (
        "description.source.volume: expected a mapping, found nothing (set it here, or once for all instances)"
    )


def test_a_description_names_no_file_of_the_service(tmp_path: Path) -> None:
    certificates = tmp_path / "ca.pem"
    certificates.write_text("-----BEGIN CERTIFICATE-----\n")

    problems = find_problems(**SMALL, tls={"ca": str(certificates)}, passwords={"file": "/etc/hostname"})

    assert problems == [
        "description.tls.ca: expected certificates in PEM, found the name of a file (put its content here)",
        "description.passwords: expected heat or generated, found a mapping",
    ]


def test_a_list_of_replicas_is_no_longer_than_their_number_may_be() -> None:
    problems = find_problems(**SMALL, replicas=[{}] * 1001)

    assert problems == ["description.replicas: expected at most 1000 replicas, found 1001"]


def test_a_network_of_clients_is_none_of_a_link() -> None:
    (problem,) = find_problems(**SMALL, client_networks=["fe80::%eth0/64"], ipv6=True)

    assert problem.startswith("description.client_networks[0]: expected a network such as")
