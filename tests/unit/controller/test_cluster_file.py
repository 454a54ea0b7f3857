"""cluster.yaml: small, strict, every problem at once."""

from __future__ import annotations

import pytest
from hypothesis import given

from guestagent.controller import Cluster, Dialect, Node, StackVolume
from guestagent.controller.cluster_file import parse_cluster_file, read_document
from guestagent.errors import InvalidCluster
from tests.support.template_garbage import garbage

SMALLEST = "source: {flavor: m1.large, image: guestagent-mariadb}\n"


def test_the_smallest_file_names_the_sources_flavor_and_image() -> None:
    description = parse_cluster_file(SMALLEST)

    assert description.cluster == Cluster.new(source=Node("m1.large", "guestagent-mariadb"))
    assert description.name is None


def test_everything_can_be_set() -> None:
    text = SMALLEST + (
        "name: prod\n"
        "replicas:\n"
        "  - {flavor: m1.small, image: guestagent-mariadb}\n"
        "  - {flavor: m1.tiny, image: other}\n"
        "subnet: subnet-id\n"
        "key_pair: ops\n"
        "client_networks: [10.1.0.0/16]\n"
        "replica_network: 10.0.0.0/24\n"
        'variables: {max_connections: 500, sql_mode: ""}\n'
        "metadata_url: http://heat:8000/v1/\n"
        "polling_interval: 5\n"
        "deadline: 120\n"
        "boot_allowance: 200\n"
        "auth_ttl: 600\n"
    )

    description = parse_cluster_file(text)

    assert description.name == "prod"
    assert description.cluster == Cluster.new(
        source=Node("m1.large", "guestagent-mariadb"),
        replicas=[Node("m1.small", "guestagent-mariadb"), Node("m1.tiny", "other")],
        subnet="subnet-id",
        key_pair="ops",
        client_networks=["10.1.0.0/16"],
        replica_network="10.0.0.0/24",
        variables={"max_connections": 500, "sql_mode": ""},
        metadata_url="http://heat:8000/v1/",
        polling_interval=5,
        deadline=120,
        boot_allowance=200,
        auth_ttl=600,
        dialect=Dialect.CFN,  # whose API the file names
    )


def test_what_all_nodes_share_is_set_once_at_the_top() -> None:
    text = "flavor: a\nimage: i\nsource: {flavor: b}\nreplicas: [{}, {image: j}]\n"

    nodes = list(parse_cluster_file(text).cluster)

    assert [(node.flavor, node.image) for node in nodes] == [("b", "i"), ("a", "i"), ("a", "j")]


def test_replicas_may_be_a_number() -> None:
    assert parse_cluster_file("flavor: a\nimage: i\nreplicas: 2\n").cluster == Cluster.new(
        source=Node("a", "i"), replicas=[Node("a", "i")] * 2
    )


def test_a_number_of_replicas_are_like_the_source_if_the_top_has_none() -> None:
    text = "source: {flavor: big, image: i}\nflavor: small\nreplicas: 1\n"

    assert (
        parse_cluster_file(text).cluster.replicas[0]
        == Cluster.new(source=Node("big", "i"), replicas=[Node("small", "i")]).replicas[0]
    )


def test_a_data_volume_is_for_all_nodes_or_for_one() -> None:
    text = "flavor: a\nimage: i\nvolume: {size_gib: 20}\nsource: {volume: {size_gib: 50, type: ssd}}\nreplicas: [{}]\n"

    nodes = list(parse_cluster_file(text).cluster)

    assert [node.volume for node in nodes] == [StackVolume(50, "ssd"), StackVolume(20)]


def test_a_volume_needs_a_size() -> None:
    with pytest.raises(InvalidCluster) as refused:
        parse_cluster_file(
            "flavor: a\nimage: i\nsource: {volume: {type: ssd}}\nvolume: {size_gib: 0, kind: ssd}\n"
        )

    assert [problem.path for problem in refused.value.problems] == [
        "volume.kind",
        "volume.size_gib",
        "source.volume.size_gib",
    ]


def test_what_is_misspelt_hides_no_other_problem() -> None:
    text = "source: {flavr: a, image: i}\nsubnet: a\nnetwork: b\nclient_networks: [x]\ndeadline: 1000\n"

    with pytest.raises(InvalidCluster) as refused:
        parse_cluster_file(text)

    assert [problem.path for problem in refused.value.problems] == [
        "source.flavr",
        "source.flavor",
        "network",
        "client_networks[0]",
        "deadline",
    ]


def test_json_is_fine_too() -> None:
    text = '{"source": {"flavor": "m1.large", "image": "i"}, "network": "net"}'

    assert parse_cluster_file(text).cluster.network == "net"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "document: expected a mapping, found nothing"),
        (SMALLEST + "replica: 3", "replica: expected one of"),
        (SMALLEST + "replica: 3", "(did you mean replicas?)"),
        (SMALLEST + "replicas:", "replicas: expected a list, or how many, found nothing"),
        (SMALLEST + "replicas: true", "replicas: expected a list, or how many, found a boolean"),
        (SMALLEST + "replicas: -1", "replicas: expected an integer from 0 to 1000, found -1"),
        (
            SMALLEST + "replicas: [{flavor: a}]",
            "replicas[0].image: expected a string, found nothing (set it here",
        ),
        ("replicas: 2", "source.flavor: expected a string, found nothing (set it here"),
        (SMALLEST + "deadline: soon", "deadline: expected an integer from 0 to 1000000"),
        (SMALLEST + "deadline: 800", "deadline: expected boot_allowance + deadline to be less than auth_ttl"),
        (SMALLEST + "name: 3", "name: expected a string, found an integer"),
        (
            SMALLEST + "source: {flavor: b, image: c}",
            'found the key "source" twice in one mapping at line 2, column 1',
        ),
        ("a: [", "document: expected YAML or JSON"),
        ("Resources: {}", "document: expected a cluster.yaml, found a Heat template"),
        ("a: !!python/object:x {}", "document: expected YAML or JSON"),
    ],
)
def test_what_is_wrong_is_reported_with_file_and_path(text: str, message: str) -> None:
    with pytest.raises(InvalidCluster) as refused:
        parse_cluster_file(text, "prod.yaml")

    assert message in str(refused.value)
    assert refused.value.where == "prod.yaml"


def test_a_merged_mapping_is_no_key_given_twice() -> None:
    text = "source: &big {flavor: a, image: i}\nreplicas:\n  - {<<: *big, flavor: b}\n"

    assert [node.flavor for node in parse_cluster_file(text).cluster] == ["a", "b"]


@given(garbage)
def test_garbage_is_an_invalid_cluster_and_nothing_else(document: object) -> None:
    with pytest.raises(InvalidCluster):
        read_document(document)


def test_the_dialect_is_one_of_two() -> None:
    assert parse_cluster_file("{flavor: f, image: i, dialect: hot}").cluster.dialect is Dialect.HOT

    with pytest.raises(InvalidCluster, match="dialect: expected cfn or hot, found 'yaml'"):
        parse_cluster_file("{flavor: f, image: i, dialect: yaml}")
