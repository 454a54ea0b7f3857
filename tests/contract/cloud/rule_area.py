"""Rules of the cloud's services on one subject."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.contract.cloud.client import CloudClient
from tests.contract.cloud.scope import CloudScope, open_scope
from tests.contract.rule import Observation, Rule, RuleArea

CloudRule = Rule[CloudClient]
ObserveScope = Callable[[CloudScope], Observation]


class CloudRuleArea(RuleArea[CloudClient]):
    """Rules whose functions get a scope of their own: what they create in it is deleted when they end."""

    def rule_of_scope(
        self, observation: Observation, newer_observation: Observation = None, *, alone: bool = False
    ) -> Callable[[ObserveScope], ObserveScope]:
        """Add the decorated function as a rule; its name becomes the title."""

        def add_rule(observe: ObserveScope) -> ObserveScope:
            run = partial(_observe_in_scope, observe)
            run.__name__ = observe.__name__  # type: ignore[attr-defined]
            self.rule(observation, newer_observation, alone=alone)(run)
            return observe

        return add_rule


def _observe_in_scope(observe: ObserveScope, cloud: CloudClient) -> Observation:
    with open_scope(cloud) as scope:
        return observe(scope)
