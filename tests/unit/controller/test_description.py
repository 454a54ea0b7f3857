"""cluster.yaml: small, strict, every problem at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

from guestagent.controller import Cluster, Node
from guestagent.controller.description import described, read
from guestagent.errors import InvalidCluster
from tests.unit.controller.test_parse import garbage

SMALLEST = "source: {flavor: m1.large, image: guestagent-mariadb}\n"


def file(folder: Path, text: str) -> Path:
    path = folder / "prod.yaml"
    path.write_text(text)
    return path


def test_the_smallest_file_names_the_sources_flavor_and_image(tmp_path: Path) -> None:
    description = described(file(tmp_path, SMALLEST))

    assert description.cluster == Cluster.new(source=Node("m1.large", "guestagent-mariadb"))
    assert description.name is None


def test_everything_can_be_said(tmp_path: Path) -> None:
    text = SMALLEST + (
        "name: prod\n"
        "replicas:\n"
        "  - {flavor: m1.small, image: guestagent-mariadb}\n"
        "  - {flavor: m1.tiny, image: other}\n"
        "subnet: subnet-id\n"
        "key_pair: ops\n"
        "client_networks: [10.1.0.0/16]\n"
        "replica_network: 10.0.0.0/24\n"
        "metadata_url: http://heat:8000/v1/\n"
        "polling_interval: 5\n"
        "deadline: 120\n"
        "boot_allowance: 200\n"
        "auth_ttl: 600\n"
    )

    description = described(file(tmp_path, text))

    assert description.name == "prod"
    assert description.cluster == Cluster.new(
        source=Node("m1.large", "guestagent-mariadb"),
        replicas=[Node("m1.small", "guestagent-mariadb"), Node("m1.tiny", "other")],
        subnet="subnet-id",
        key_pair="ops",
        client_networks=["10.1.0.0/16"],
        replica_network="10.0.0.0/24",
        metadata_url="http://heat:8000/v1/",
        polling_interval=5,
        deadline=120,
        boot_allowance=200,
        auth_ttl=600,
    )


def test_json_is_fine_too(tmp_path: Path) -> None:
    text = '{"source": {"flavor": "m1.large", "image": "i"}, "network": "net"}'

    assert described(file(tmp_path, text)).cluster.network == "net"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "document: expected a mapping, found nothing"),
        (SMALLEST + "replica: 3", "replica: expected one of"),
        (SMALLEST + "replica: 3", "(did you mean replicas?)"),
        (SMALLEST + "replicas: 3", "replicas: expected a list, found an integer"),
        (SMALLEST + "replicas: [{flavor: a}]", "replicas[0].image: expected a string, found nothing"),
        (SMALLEST + "deadline: soon", "deadline: expected an integer from 0 to 1000000"),
        (SMALLEST + "deadline: 800", "deadline: expected with boot_allowance less than auth_ttl"),
        (SMALLEST + "name: 3", "name: expected a string, found an integer"),
        (SMALLEST + "source: {flavor: b, image: c}", "the key source twice"),
        ("a: [", "file: expected YAML or JSON"),
        ("a: !!python/object:x {}", "file: expected YAML or JSON"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_path(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidCluster) as refused:
        described(file(tmp_path, text))

    assert said in str(refused.value)
    assert refused.value.where.endswith("prod.yaml")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidCluster, match="expected a readable file, found No such file or directory"):
        described(tmp_path / "none.yaml")


def test_bytes_that_are_no_text_are_said(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(InvalidCluster, match="expected YAML or JSON"):
        described(tmp_path / "binary.yaml")


def test_a_merged_mapping_is_no_key_given_twice(tmp_path: Path) -> None:
    text = "source: &big {flavor: a, image: i}\nreplicas:\n  - {<<: *big, flavor: b}\n"

    assert [node.flavor for node in described(file(tmp_path, text)).cluster] == ["a", "b"]


@given(garbage)
def test_garbage_is_an_invalid_cluster_and_nothing_else(document: object) -> None:
    with pytest.raises(InvalidCluster):
        read(document)
