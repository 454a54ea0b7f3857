"""Nodes whose collector reads only the metadata of the boot: a node of Heat fails, one configured by hand does not."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from guestagent.agent.metadata_files import CollectedDocument, store_document
from guestagent.agent.metadata_updates import COLLECTOR_TIMEOUT_S, CONDITION_NAME
from guestagent.package_data import find_package_data
from tests.failures.row import READY, FailureArea, expect_final, expect_late
from tests.failures.server_pair import ApplyAnswer, Pair

area = FailureArea("updates of the metadata")
ScenarioAnswers = Generator[ApplyAnswer, None, None]
COLLECTOR_OPTIONS = {"collectors": ["cfn"], "cfn": {"access_key_id": "key"}}
CONFIGURED = "[DEFAULT]\ncollectors = cfn\n[cfn]\naccess_key_id = key\n"
BOOT_ONLY = "the node has only the metadata of its boot"


@area.row(expect_final(CONDITION_NAME, BOOT_ONLY))
def a_node_of_heat_whose_collector_was_never_configured(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    leave_collector_unconfigured(pair)
    yield pair.apply_on_replica(COLLECTOR_TIMEOUT_S + 60)
    pair.replica.collector_config.write_text(CONFIGURED)


@area.row(expect_late(CONDITION_NAME, BOOT_ONLY))
def a_node_of_heat_whose_collector_is_not_configured_yet(pair: Pair) -> ScenarioAnswers:
    pair.prepare()
    leave_collector_unconfigured(pair)
    yield pair.apply_on_replica(4)
    pair.replica.collector_config.write_text(CONFIGURED)


@area.row(READY)
def a_node_that_was_configured_by_hand(pair: Pair) -> ScenarioAnswers:
    pair.prepare().replica.collector_config.write_text(read_image_config())
    yield pair.apply_on_replica()


def leave_collector_unconfigured(pair: Pair) -> None:
    """Store metadata of Heat that names a metadata server, with the collector's configuration as in an image."""
    document = pair.build_replica_document() | {"os-collect-config": COLLECTOR_OPTIONS}
    collected = CollectedDocument.from_document(document, Path("heat_local.json"))
    store_document(pair.replica.folder / "state", collected)
    pair.replica.collector_config.write_text(read_image_config())


def read_image_config() -> str:
    return (find_package_data("elements") / "guestagent/static/etc/os-collect-config.conf").read_text()
