"""Every rule of compute, volumes and network holds on the real services, as it does on the embedded cloud."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from guestagent.embedded.real_cloud import RealCloud
from tests.contract.cloud.client import CloudClient
from tests.contract.cloud.cloud_rule_selection import CLOUD_CONCURRENCY, run_selected_rules
from tests.contract.cloud.columns import build_real_client
from tests.contract.cloud.rule_area import CloudRule
from tests.contract.cloud.rules import CLOUD_RULES
from tests.contract.rule_runner import RuleRunner

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def runner(request: pytest.FixtureRequest, real_cloud: RealCloud) -> Iterator[RuleRunner[CloudClient]]:
    client = build_real_client(real_cloud)
    with closing(client), run_selected_rules(request, client, CLOUD_CONCURRENCY) as runner:
        yield runner


@pytest.mark.parametrize("rule", CLOUD_RULES, ids=[rule.title for rule in CLOUD_RULES])
def test_a_rule_holds_on_the_real_services(runner: RuleRunner[CloudClient], rule: CloudRule) -> None:
    assert runner.get_observation(rule) == rule.select_observation(runner.release)
