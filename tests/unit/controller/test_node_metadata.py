"""Nodes' metadata documents in templates: written by the writer of the contract, and read back by its parser."""

from __future__ import annotations

import pytest
from hypothesis import given

from guestagent.controller import Cluster, Node
from guestagent.controller.template.node_metadata import build_document, build_node_metadata
from guestagent.controller.template.node_values import DialectFunctions, TemplateMapping
from guestagent.metadata import parse
from tests.support.cluster_strategies import build_cluster, clusters, forget_hot


def build_functions(node: Node) -> DialectFunctions:
    def build_reference(name: str) -> TemplateMapping:
        return {"Ref": name}

    def build_value(name: str) -> TemplateMapping:
        return {"Fn::GetAtt": [name, "value"]}

    address = {"Fn::GetAtt": ["Master0000", "PrivateIp"]}
    return DialectFunctions({"Ref": node.handle}, address, build_reference, build_reference, build_value)


@given(clusters().map(forget_hot))
def test_the_agents_parser_reads_the_document_that_was_built(cluster: Cluster) -> None:
    for node in cluster:
        functions = build_functions(node)

        metadata = build_node_metadata(cluster, node, functions)

        document = build_document(cluster, node, functions.build_values())
        assert parse(metadata).role == document.role
        assert parse(metadata).unique_id == document.unique_id
        assert parse(metadata).unresolved_paths == document.unresolved_paths


@pytest.mark.parametrize("key", ["Version", "Node", "Generation", "ServerId", "Deadline"])
def test_a_template_has_those_defaults_that_the_controller_reads_back(key: str) -> None:
    cluster = build_cluster(replicas=1)

    metadata = build_node_metadata(cluster, cluster.replicas[0], build_functions(cluster.replicas[0]))

    assert key in metadata["GuestAgent"]
    assert metadata["Master"]["Port"] == 3306
