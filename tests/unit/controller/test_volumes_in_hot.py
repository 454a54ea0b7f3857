"""Data volumes in a HOT template: attached in the server's own creation, and kept unless said otherwise."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from guestagent.controller import Cluster, Dialect, Node, StackVolume, lint, parse, render
from guestagent.controller.template.cloud_requirements import list_resource_types
from guestagent.controller.template.volume_resources import VOLUME_STACK_NAME_LIMIT
from guestagent.errors import InvalidCluster, InvalidTemplate
from guestagent.metadata import parse as parse_document
from guestagent.metadata.server_metadata import VALUE_LENGTH_LIMIT

VOLUME_ID = "3e9f5b0c-64d1-4c1e-9a55-0c6a3e2f7d18"


def build_cluster(volume: StackVolume | None, dialect: Dialect = Dialect.HOT) -> Cluster:
    node = Node("m1.small", "guestagent-volume", volume=volume)
    return Cluster.new(source=node, replicas=[node], network="private", dialect=dialect)


def test_a_volume_is_kept_and_marked_as_its_nodes() -> None:
    resource = render(build_cluster(StackVolume(20, "ssd")))["resources"]["Slave0000Volume"]

    assert resource == {
        "type": "OS::Cinder::Volume",
        "depends_on": "Begin",
        "deletion_policy": "Retain",
        "properties": {
            "size": 20,
            "volume_type": "ssd",
            "metadata": {
                "guestagent:engine": "orchestrator",
                "guestagent:cluster": {"get_param": "OS::stack_name"},
                "guestagent:instance": "Slave0000",
            },
        },
    }


def test_a_server_is_created_with_its_volume_and_knows_it_before_its_document_arrives() -> None:
    server = render(build_cluster(StackVolume(20)))["resources"]["Slave0000"]

    volume = {"get_resource": "Slave0000Volume"}
    assert server["properties"]["block_device_mapping_v2"] == [
        {"volume_id": volume, "boot_index": -1, "delete_on_termination": False}
    ]
    declaration = server["properties"]["metadata"]["guestagent_volume"]
    assert declaration == {
        **server["metadata"]["GuestAgent"]["Volume"],
        "Cluster": {"get_param": "OS::stack_name"},
        "Node": "Slave0000",
    }
    assert declaration["Id"] == volume


def test_nova_accepts_the_declaration_of_the_longest_stack_name() -> None:
    cluster = build_cluster(StackVolume(16384))

    declaration = render(cluster)["resources"]["Master0000"]["properties"]["metadata"]["guestagent_volume"]
    resolved = {
        **declaration,
        "Id": VOLUME_ID,
        "Cluster": "a" * VOLUME_STACK_NAME_LIMIT,
        "Node": "Slave9999999",
    }

    assert len(json.dumps(resolved)) <= VALUE_LENGTH_LIMIT


def test_the_document_keeps_the_contract_with_the_agent() -> None:
    server = render(build_cluster(StackVolume(20)))["resources"]["Master0000"]

    section = parse_document(server["metadata"]).section

    assert section.volume is not None
    assert (section.volume.size_gib, section.volume.is_new) == (20, True)


@pytest.mark.parametrize(
    "volume",
    [StackVolume(1), StackVolume(300, "ssd"), StackVolume(5, is_kept=False), StackVolume(5, store="5e1d-a0")],
)
def test_a_template_with_volumes_reads_back_and_has_no_pitfall(volume: StackVolume) -> None:
    template = render(build_cluster(volume))

    assert parse(template) == build_cluster(volume)
    assert lint(template) == ()


def test_the_metadata_of_a_volume_name_the_store_that_had_it_made() -> None:
    resource = render(build_cluster(StackVolume(20, store="5e1d-a0")))["resources"]["Slave0000Volume"]

    assert resource["properties"]["metadata"]["guestagent:store"] == "5e1d-a0"


def test_a_change_keeps_the_store_of_a_volume_and_a_new_stack_does_not() -> None:
    cluster = build_cluster(StackVolume(20, store="5e1d-a0"))

    changed = cluster.resize_volume("Slave0000", 30).keep_volumes(is_kept=False)

    assert changed.node("Slave0000").volume == StackVolume(30, is_kept=False, store="5e1d-a0")
    assert cluster.in_dialect(Dialect.HOT) == build_cluster(StackVolume(20))


def test_a_store_that_is_no_text_is_named_by_its_place() -> None:
    template = render(build_cluster(StackVolume(20)))
    template["resources"]["Slave0000Volume"]["properties"]["metadata"]["guestagent:store"] = 7

    with pytest.raises(InvalidTemplate, match=r"Slave0000Volume\.properties\.metadata\.guestagent:store"):
        parse(template)


def test_without_volumes_nothing_of_them_is_in_the_template() -> None:
    template = render(build_cluster(None))

    assert "Cinder" not in json.dumps(template)
    assert "OS::Cinder::Volume" not in list_resource_types(build_cluster(None))


def test_cfn_makes_no_volumes() -> None:
    with pytest.raises(
        InvalidCluster, match=r"Master0000\.volume: expected no data volume in CFN, found one .unsupported"
    ):
        render(build_cluster(StackVolume(20), Dialect.CFN))


def test_a_larger_volume_is_proved_in_the_next_generation() -> None:
    cluster = build_cluster(StackVolume(20))

    grown = cluster.resize_volume("Slave0000", 30)

    assert grown.node("Slave0000").volume == StackVolume(30)
    assert [node.generation for node in grown] == [1, 2]
    assert grown.resize_volume("Slave0000", 30) is grown


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        (StackVolume(20), "volume.size_gib: expected at least 20 GiB, its present size, found 19"),
        (None, "Slave0000.volume: expected a data volume of the stack, found none"),
    ],
)
def test_a_volume_never_shrinks_and_has_to_be_there(volume: StackVolume | None, message: str) -> None:
    with pytest.raises(InvalidCluster, match=message):
        build_cluster(volume).resize_volume("Slave0000", 19)


def test_a_volume_that_goes_with_its_node_is_named_in_an_update_of_its_own() -> None:
    cluster = build_cluster(StackVolume(20)).keep_volumes("Slave0000", is_kept=False)

    resources = render(cluster)["resources"]

    assert "deletion_policy" not in resources["Slave0000Volume"]
    assert resources["Master0000Volume"]["deletion_policy"] == "Retain"
    assert cluster == replace(cluster, source=build_cluster(StackVolume(20)).source)


def test_a_size_or_type_that_cinder_cannot_have_is_refused() -> None:
    with pytest.raises(InvalidCluster) as refused:
        build_cluster(StackVolume(0, " "))

    assert [problem.path for problem in refused.value.problems][:2] == [
        "source.volume.size_gib",
        "source.volume.type",
    ]
