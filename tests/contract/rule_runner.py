"""Runs rules at the same time, each in its own thread, because they mostly wait."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from tests.contract.heat import HeatClient
from tests.contract.rule import Observation, Rule

CONCURRENCY_LIMIT = 32
# Heat 27, as it runs here, sometimes drops a connection if more requests are open at once.
HEAT_27_CONCURRENCY_LIMIT = 12


class RuleRunner:
    """The observations of all rules on one Heat."""

    def __init__(self, heat: HeatClient, rules: Iterable[Rule]) -> None:
        self.release = heat.release
        concurrency = CONCURRENCY_LIMIT if heat.release < 27 else HEAT_27_CONCURRENCY_LIMIT
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix=heat.name)
        self._futures = {rule.title: self._pool.submit(rule.observe, heat) for rule in rules}

    def get_observation(self, rule: Rule) -> Observation:
        """Wait for the observation of a rule; raise its error if it failed."""
        return self._futures[rule.title].result()

    def describe_observation(self, rule: Rule) -> Observation:
        """Wait for the observation of a rule; describe its error if it failed."""
        future: Future[Observation] = self._futures[rule.title]
        error = future.exception()
        return future.result() if error is None else f"nothing: {type(error).__name__}: {error}"

    def wait(self) -> None:
        """Wait for all rules."""
        wait(self._futures.values())

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
