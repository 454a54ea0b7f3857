"""A rule of Heat: a few requests to a cloud, and the expected observation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.contract.heat import HeatClient

Observation = object  # any JSON value
Observe = Callable[[HeatClient], Observation]


@dataclass(frozen=True, slots=True)
class Rule:
    """`observation` is what Heat 19 shows; `newer_observation` what later releases show, if that differs."""

    area: str
    title: str
    observe: Observe
    observation: Observation
    newer_observation: Observation = None

    def select_observation(self, release: int) -> Observation:
        """Return the expected observation for a release. The fake imitates 19."""
        return self.observation if release < 27 or self.newer_observation is None else self.newer_observation


@dataclass(slots=True)
class RuleArea:
    """Rules on one subject, in the order of the file."""

    title: str
    rules: list[Rule] = field(default_factory=list)

    def rule(
        self, observation: Observation, newer_observation: Observation = None
    ) -> Callable[[Observe], Observe]:
        """Add the decorated function as a rule; its name becomes the title."""

        def add_rule(observe: Observe) -> Observe:
            self.add(
                observe.__name__.replace("_s_", "'s ").replace("_", " "),
                observe,
                observation,
                newer_observation,
            )
            return observe

        return add_rule

    def add(
        self, title: str, observe: Observe, observation: Observation, newer_observation: Observation = None
    ) -> None:
        """Add a rule with a title of its own."""
        self.rules.append(Rule(self.title, title, observe, observation, newer_observation))

    def add_refusal(
        self, title: str, template: object, observation: str, newer_observation: str | None = None
    ) -> None:
        """Add a rule for a template that Heat rejects."""
        self.add(title, lambda heat: heat.create_refused_stack(template), observation, newer_observation)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)
