"""Every rule holds on the fake, and on a real Heat where one is asked for."""

from __future__ import annotations

import pytest

from tests.contract.campaign import Campaign
from tests.contract.rule import Rule
from tests.contract.rules import RULES

pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("contract")]


@pytest.mark.parametrize("rule", RULES, ids=[rule.words for rule in RULES])
def test_a_rule_of_heat_holds(campaign: Campaign, rule: Rule) -> None:
    assert campaign.seen(rule) == rule.expected(campaign.release)


def test_the_contract_has_a_hundred_rules_and_each_its_own_words() -> None:
    assert len({rule.words for rule in RULES}) == len(RULES) >= 100
