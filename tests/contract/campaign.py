"""Rules side by side: each in a thread of its own, for most of a rule is waiting."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from tests.contract.heat import Heat
from tests.contract.rule import Observation, Rule

AT_ONCE = 32
FEWER = 12  # as Heat 27 runs here, it drops a connection now and then where more ask at once, and not the next time


class Campaign:
    """Every rule's observation on one Heat, to be had as it comes."""

    def __init__(self, heat: Heat, rules: Iterable[Rule]) -> None:
        self.release = heat.release
        at_once = AT_ONCE if heat.release < 27 else FEWER
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix=heat.name)
        self._seen = {rule.words: self._pool.submit(rule.observe, heat) for rule in rules}

    def seen(self, rule: Rule) -> Observation:
        """What was seen; raises what went wrong before anything was."""
        return self._seen[rule.words].result()

    def told(self, rule: Rule) -> Observation:
        """What was seen, or that nothing was, and why."""
        coming: Future[Observation] = self._seen[rule.words]
        error = coming.exception()
        return coming.result() if error is None else f"nothing: {type(error).__name__}: {error}"

    def finish(self) -> None:
        """Wait for the last of them."""
        wait(self._seen.values())

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
