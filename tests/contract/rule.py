"""A rule of a service: a few requests to a cloud, and the expected observation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

Observation = object  # any JSON value
NEWER_RELEASE = 27
"""Rules are kept for one older and one newer release: of Heat 19 and 27, of Nova and the others 26 and 34."""


class ContractClient(Protocol):
    """What sends the requests of a rule to one cloud."""

    @property
    def name(self) -> str: ...

    @property
    def release(self) -> int: ...


Client = TypeVar("Client", bound=ContractClient)
Observe = Callable[[Client], Observation]


@dataclass(frozen=True, slots=True)
class Rule(Generic[Client]):
    """`observation` is what the older release shows; `newer_observation` what later ones show, if that differs.

    A rule that runs `alone` changes what others would notice, such as a quota.
    """

    area: str
    title: str
    observe: Observe[Client]
    observation: Observation
    newer_observation: Observation = None
    alone: bool = False

    def select_observation(self, release: int) -> Observation:
        """Return the expected observation for a release. The fake imitates the older one."""
        if release < NEWER_RELEASE or self.newer_observation is None:
            return self.observation
        return self.newer_observation


AnyRule = Rule[Any]


@dataclass(slots=True)
class RuleArea(Generic[Client]):
    """Rules on one subject, in the order of the file."""

    title: str
    rules: list[Rule[Client]] = field(default_factory=list)

    def rule(
        self, observation: Observation, newer_observation: Observation = None, *, alone: bool = False
    ) -> Callable[[Observe[Client]], Observe[Client]]:
        """Add the decorated function as a rule; its name becomes the title."""

        def add_rule(observe: Observe[Client]) -> Observe[Client]:
            title = observe.__name__.replace("_s_", "'s ").replace("_", " ")
            self.add(title, observe, observation, newer_observation, alone=alone)
            return observe

        return add_rule

    def add(
        self,
        title: str,
        observe: Observe[Client],
        observation: Observation,
        newer_observation: Observation = None,
        *,
        alone: bool = False,
    ) -> None:
        """Add a rule with a title of its own."""
        self.rules.append(Rule(self.title, title, observe, observation, newer_observation, alone))

    def __iter__(self) -> Iterator[Rule[Client]]:
        return iter(self.rules)
