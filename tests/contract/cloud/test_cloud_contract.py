"""Every rule of compute, volumes and network holds on the embedded cloud."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.cloud.client import CloudClient
from tests.contract.cloud.cloud_rule_selection import CLOUD_CONCURRENCY, run_selected_rules
from tests.contract.cloud.columns import open_fake_cloud
from tests.contract.cloud.rule_area import CloudRule
from tests.contract.cloud.rules import CLOUD_RULES
from tests.contract.rule_runner import RuleRunner

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def runner(request: pytest.FixtureRequest) -> Iterator[RuleRunner[CloudClient]]:
    with open_fake_cloud() as client, run_selected_rules(request, client, CLOUD_CONCURRENCY) as runner:
        yield runner


@pytest.mark.parametrize("rule", CLOUD_RULES, ids=[rule.title for rule in CLOUD_RULES])
def test_a_rule_holds_on_the_embedded_cloud(runner: RuleRunner[CloudClient], rule: CloudRule) -> None:
    assert runner.get_observation(rule) == rule.select_observation(runner.release)


def test_the_rules_have_unique_titles() -> None:
    assert len({rule.title for rule in CLOUD_RULES}) == len(CLOUD_RULES)
