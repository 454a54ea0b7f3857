"""Runs rules at the same time, each in its own thread, because they mostly wait."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic

from tests.contract.rule import NEWER_RELEASE, Client, Observation, Rule

CONCURRENCY_LIMIT = 32
# Heat 27, as it runs here, sometimes drops a connection if more requests are open at once.
NEWER_CONCURRENCY_LIMIT = 12


class RuleRunner(Generic[Client]):
    """The observations of all rules on one cloud."""

    def __init__(
        self, client: Client, rules: Iterable[Rule[Client]], concurrency: int = CONCURRENCY_LIMIT
    ) -> None:
        self.release = client.release
        if client.release >= NEWER_RELEASE:
            concurrency = min(concurrency, NEWER_CONCURRENCY_LIMIT)
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix=client.name)
        self._alone = ThreadPoolExecutor(1, thread_name_prefix=f"{client.name} alone")
        selected = list(rules)
        together = {
            rule.title: self._pool.submit(rule.observe, client) for rule in selected if not rule.alone
        }
        alone = {
            rule.title: self._alone.submit(_observe_after, [*together.values()], rule, client)
            for rule in selected
            if rule.alone
        }
        self._futures: dict[str, Future[Observation]] = {**together, **alone}

    def get_observation(self, rule: Rule[Client]) -> Observation:
        """Wait for the observation of a rule; raise its error if it failed."""
        return self._futures[rule.title].result()

    def describe_observation(self, rule: Rule[Client]) -> Observation:
        """Wait for the observation of a rule; describe its error if it failed."""
        future = self._futures[rule.title]
        error = future.exception()
        return future.result() if error is None else f"nothing: {type(error).__name__}: {error}"

    def wait(self) -> None:
        """Wait for all rules."""
        wait(self._futures.values())

    def close(self) -> None:
        for future in self._futures.values():
            future.cancel()
        self._pool.shutdown()
        self._alone.shutdown()


def _observe_after(others: list[Future[Observation]], rule: Rule[Client], client: Client) -> Observation:
    wait(others)
    return rule.observe(client)
