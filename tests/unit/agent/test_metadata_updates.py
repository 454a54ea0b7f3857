"""A node of Heat without updates of its metadata is not ready; one that was configured by hand is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent import evidence
from guestagent.agent.collector_config import list_update_collectors
from guestagent.agent.metadata_files import CollectedDocument, store_document
from guestagent.agent.metadata_updates import (
    COLLECTOR_TIMEOUT_S,
    CONDITION_NAME,
    UpdateRoute,
    judge_metadata_updates,
    read_update_route,
)
from guestagent.agent.model import Condition, ConditionState
from guestagent.agent.outcome import Report, Verdict
from guestagent.agent.settings import Settings, load_settings
from guestagent.database.fake import FakeDatabase
from guestagent.package_data import find_package_data
from tests.support.reconciled_node import SOURCE, FakeNode

IMAGE_CONFIG = (find_package_data("elements") / "guestagent/static/etc/os-collect-config.conf").read_text()
CFN_CONFIG = """\
[DEFAULT]
command = guestagent poke
collectors = cfn
[cfn]
stack_name = cluster
path = Master0000.Metadata
access_key_id = key
secret_access_key = hidden
metadata_url = http://heat.test:8000/v1/
"""
SERVER = "http://heat.test:8000/v1/"
BOOT_ONLY = UpdateRoute("/etc/os-collect-config.conf", (), SERVER)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    empty = tmp_path / "guestagent.conf"
    empty.touch()
    config = tmp_path / "os-collect-config.conf"
    config.write_text(IMAGE_CONFIG)
    return replace(
        load_settings(empty),
        state_folder=tmp_path / "state",
        collector_cache=tmp_path / "cache",
        collector_config=config,
    )


def read_route(settings: Settings) -> UpdateRoute:
    folder = settings.collector_config.parent
    return read_update_route(settings, folder / "cfn-metadata-server", folder / "cloud-init")


def get_states(conditions: Sequence[Condition]) -> list[ConditionState]:
    return [condition.state for condition in conditions]


@pytest.mark.parametrize(
    ("text", "collectors"),
    [
        (IMAGE_CONFIG, ()),
        (CFN_CONFIG, ("cfn",)),
        (CFN_CONFIG.replace("collectors = cfn\n", ""), ("cfn",)),
        (CFN_CONFIG.replace("collectors = cfn", 'collectors = ec2\ncollectors = "cfn"'), ("cfn",)),
        (CFN_CONFIG.replace("access_key_id = key\n", ""), ()),
        (CFN_CONFIG.replace("access_key_id", "access-key-id"), ("cfn",)),
        (CFN_CONFIG.replace("= cfn", "= heat_local"), ()),
        ("[DEFAULT]\ncollectors = heat\n[heat]\nauth_url = http://keystone\n", ("heat",)),
        ("[DEFAULT]\ncollectors = request\n[request]\nmetadata_url = http://swift\n", ("request",)),
        ("[DEFAULT]\ncollectors = local\ncollectors = ec2\n", ()),
        ("", ()),
    ],
)
def test_collectors_that_read_newer_metadata_are_those_with_credentials(
    text: str, collectors: tuple[str, ...]
) -> None:
    assert list_update_collectors(text) == collectors


def test_a_node_that_gets_updates_has_no_such_condition() -> None:
    route = replace(BOOT_ONLY, collectors=("cfn",))

    assert list(judge_metadata_updates(route, 0.0)) == []


def test_a_node_of_heat_without_updates_fails_when_the_collector_has_had_its_time() -> None:
    early = list(judge_metadata_updates(BOOT_ONLY, COLLECTOR_TIMEOUT_S - 1))
    late = list(judge_metadata_updates(BOOT_ONLY, COLLECTOR_TIMEOUT_S))

    assert get_states(early) == [ConditionState.PENDING]
    assert get_states(late) == [ConditionState.FINAL]
    assert SERVER in str(late[0])
    assert "guestagent-userdata.log" in str(late[0])


def test_a_node_whose_user_data_may_still_run_does_not_fail() -> None:
    route = replace(BOOT_ONLY, is_user_data_pending=True)

    [condition] = judge_metadata_updates(route, COLLECTOR_TIMEOUT_S * 100)

    assert condition.state is ConditionState.PENDING
    assert "cloud-init has not finished" in str(condition)


def test_a_node_that_was_configured_by_hand_is_ready_and_shows_that_it_gets_no_updates() -> None:
    [condition] = judge_metadata_updates(replace(BOOT_ONLY, metadata_server=""), 0.0)

    assert condition.state is ConditionState.HELD
    assert condition.actual.startswith("none: ")


def test_a_missing_configuration_of_the_collector_is_not_judged() -> None:
    [condition] = judge_metadata_updates(replace(BOOT_ONLY, collectors=None), 0.0)

    assert condition.state is ConditionState.HELD
    assert condition.actual == "not known, because /etc/os-collect-config.conf is missing"


def test_user_data_of_heat_names_a_metadata_server(settings: Settings) -> None:
    (settings.collector_config.parent / "cfn-metadata-server").write_text(f"{SERVER}\n")

    route = read_route(settings)

    assert route == UpdateRoute(str(settings.collector_config), (), SERVER)


def test_the_documents_options_for_the_collector_name_a_metadata_server(settings: Settings) -> None:
    heat = {"collectors": ["cfn"], "cfn": {"metadata_url": SERVER, "access_key_id": "key"}}
    document = {"ReadyWaitCondition": "http://heat.test/1", "os-collect-config": heat}
    store_document(settings.state_folder, CollectedDocument.from_document(document, Path("cfn.json")))

    route = read_route(settings)

    assert route.metadata_server == "Heat (cfn, in the metadata's os-collect-config)"


def test_a_document_without_such_options_names_none(settings: Settings) -> None:
    document = {
        "ReadyWaitCondition": "http://heat.test/1",
        "os-collect-config": {"collectors": ["heat_local"]},
    }
    store_document(settings.state_folder, CollectedDocument.from_document(document, Path("cfn.json")))

    assert read_route(settings).metadata_server == ""


def test_a_drop_in_can_configure_the_collector(settings: Settings) -> None:
    folder = settings.collector_config.with_name("os-collect-config.conf.d")
    folder.mkdir()
    (folder / "10-own.conf").write_text(CFN_CONFIG)

    assert read_route(settings).collectors == ("cfn",)


@pytest.mark.parametrize(
    ("files", "is_pending"),
    [((), False), (("status.json",), True), (("status.json", "result.json"), False)],
)
def test_user_data_may_run_until_cloud_init_has_its_result(
    settings: Settings, files: tuple[str, ...], is_pending: bool
) -> None:
    folder = settings.collector_config.parent / "cloud-init"
    folder.mkdir()
    for name in files:
        (folder / name).touch()

    assert read_route(settings).is_user_data_pending is is_pending


def test_a_missing_configuration_is_seen(settings: Settings) -> None:
    settings.collector_config.unlink()

    assert read_route(settings) == UpdateRoute(str(settings.collector_config), None)


def converge_source(folder: Path, route: UpdateRoute) -> Report:
    return FakeNode(folder, FakeDatabase(), update_route=route).converge(SOURCE)


def test_a_source_of_heat_without_updates_signals_failure_with_that_reason(tmp_path: Path) -> None:
    report = converge_source(tmp_path, BOOT_ONLY)

    outcome = evidence.build_outcome(SOURCE, report)

    assert (report.verdict, report.is_late) == (Verdict.FAILED, False)
    assert f"{CONDITION_NAME}: expected a collector that reads from {SERVER}" in outcome.reason


def test_a_source_configured_by_hand_signals_success_and_that_it_gets_no_updates(tmp_path: Path) -> None:
    report = converge_source(tmp_path, replace(BOOT_ONLY, metadata_server=""))

    conditions = evidence.build_outcome(SOURCE, report).data["conditions"]

    assert report.verdict is Verdict.READY
    assert isinstance(conditions, dict)
    assert conditions[CONDITION_NAME].startswith("held: none: ")
