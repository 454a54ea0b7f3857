"""Every rule holds on the fake Heat, and (in `make test-all`) on a real one."""

from __future__ import annotations

import pytest

from tests.contract.heat import HeatClient
from tests.contract.heat_rule_area import HeatRule
from tests.contract.rule_runner import RuleRunner
from tests.contract.rules import RULES

pytestmark = pytest.mark.timeout(900)
COLUMNS = ["fake", pytest.param("real", marks=pytest.mark.patient)]


@pytest.mark.parametrize("rule_runner", COLUMNS, indirect=True, scope="session")
@pytest.mark.parametrize("rule", RULES, ids=[rule.title for rule in RULES])
def test_a_rule_of_heat_holds(rule_runner: RuleRunner[HeatClient], rule: HeatRule) -> None:
    assert rule_runner.get_observation(rule) == rule.select_observation(rule_runner.release)


def test_the_contract_has_a_hundred_rules_with_unique_titles() -> None:
    assert len({rule.title for rule in RULES}) == len(RULES) >= 100
