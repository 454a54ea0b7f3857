"""The rules that a run of pytest has selected, which all run before the first test looks at its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from tests.contract.cloud.client import CloudClient
from tests.contract.cloud.rule_area import CloudRule
from tests.contract.rule_runner import RuleRunner

CLOUD_CONCURRENCY = 8
"""Two processors are not faster with more, and what a rule looks at for some seconds would be over."""


@contextmanager
def run_selected_rules(
    request: pytest.FixtureRequest, client: CloudClient, concurrency: int
) -> Iterator[RuleRunner[CloudClient]]:
    rules = list(_select_rules(request.session.items, str(request.path)))
    with closing(RuleRunner(client, rules, concurrency)) as runner:
        # pytest writes into the environment between any two tests, and requests reads it in the rules' threads.
        runner.wait()
        yield runner


def _select_rules(items: list[pytest.Item], file: str) -> Iterator[CloudRule]:
    for item in items:
        spec = getattr(item, "callspec", None)
        if spec is not None and str(item.path) == file and "rule" in spec.params:
            yield spec.params["rule"]
