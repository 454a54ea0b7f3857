"""Rules side by side: each in a thread of its own, for most of a rule is waiting."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from tests.contract.heat import HeatClient
from tests.contract.rule import Observation, Rule

CONCURRENCY_LIMIT = 32
# As Heat 27 runs here, it now and then drops a connection if more requests are open at once.
HEAT_27_CONCURRENCY_LIMIT = 12


class RuleRunner:
    """Every rule's observation on one Heat, to be had as it comes."""

    def __init__(self, heat: HeatClient, rules: Iterable[Rule]) -> None:
        self.release = heat.release
        at_once = CONCURRENCY_LIMIT if heat.release < 27 else HEAT_27_CONCURRENCY_LIMIT
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix=heat.name)
        self._seen = {rule.title: self._pool.submit(rule.observe, heat) for rule in rules}

    def get_observation(self, rule: Rule) -> Observation:
        """What was seen; raises what went wrong before anything was."""
        return self._seen[rule.title].result()

    def describe_observation(self, rule: Rule) -> Observation:
        """What was seen, or that nothing was, and why."""
        coming: Future[Observation] = self._seen[rule.title]
        error = coming.exception()
        return coming.result() if error is None else f"nothing: {type(error).__name__}: {error}"

    def wait(self) -> None:
        """Wait for the last of them."""
        wait(self._seen.values())

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
