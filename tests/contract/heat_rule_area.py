"""Rules of Heat on one subject."""

from __future__ import annotations

from tests.contract.heat import HeatClient
from tests.contract.rule import Rule, RuleArea

HeatRule = Rule[HeatClient]


class HeatRuleArea(RuleArea[HeatClient]):
    """Rules of Heat, some of which are templates that it rejects."""

    def add_refusal(
        self, title: str, template: object, observation: str, newer_observation: str | None = None
    ) -> None:
        """Add a rule for a template that Heat rejects."""
        self.add(title, lambda heat: heat.create_refused_stack(template), observation, newer_observation)
