"""A rule of Heat: a short conversation with a cloud, and what has to come out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.contract.heat import HeatClient

Observation = object  # text, or lists and mappings of text: whatever JSON can say
Observe = Callable[[HeatClient], Observation]


@dataclass(frozen=True, slots=True)
class Rule:
    """`says` is what Heat 19 shows, `newer` what later releases do where that is something else."""

    area: str
    title: str
    observe: Observe
    observation: Observation
    newer_observation: Observation = None

    def select_observation(self, release: int) -> Observation:
        """What a cloud of this release must show. The fake imitates 19."""
        return self.observation if release < 27 or self.newer_observation is None else self.newer_observation


@dataclass(slots=True)
class RuleArea:
    """Rules about one thing, in the order in which the file has them."""

    title: str
    rules: list[Rule] = field(default_factory=list)

    def rule(self, says: Observation, newer: Observation = None) -> Callable[[Observe], Observe]:
        """The decorated function is a rule, and its name the rule's words."""

        def added(observe: Observe) -> Observe:
            self.add(observe.__name__.replace("_s_", "'s ").replace("_", " "), observe, says, newer)
            return observe

        return added

    def add(self, words: str, observe: Observe, says: Observation, newer: Observation = None) -> None:
        """A rule whose words are no function's name."""
        self.rules.append(Rule(self.title, words, observe, says, newer))

    def add_refusal(self, words: str, template: object, says: str, newer: str | None = None) -> None:
        """A template that Heat does not take."""
        self.add(words, lambda heat: heat.create_refused_stack(template), says, newer)

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)
