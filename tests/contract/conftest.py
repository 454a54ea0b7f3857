"""The columns for pytest: the fake Heat always, the real one on request."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.contract.columns import open_column
from tests.contract.heat import HeatClient
from tests.contract.heat_rule_area import HeatRule
from tests.contract.rule_runner import RuleRunner

REAL = "CONTRACT_HEAT"


@pytest.fixture(scope="session")
def rule_runner(request: pytest.FixtureRequest) -> Iterator[RuleRunner[HeatClient]]:
    """Run every selected rule of one column.

    CONTRACT_HEAT is `real`, which is the default, or the name of a cloud in clouds.yaml.
    """
    name = "fake" if request.param == "fake" else os.environ.get(REAL) or "real"
    rules = select_rules(request.session.items, request.param)
    with open_column(name) as heat, closing(RuleRunner(heat, rules)) as runner:
        # pytest writes into the environment between any two tests, and requests reads it in the rules' threads.
        runner.wait()
        yield runner


def select_rules(items: list[pytest.Item], param: str) -> Iterator[HeatRule]:
    """Yield the rules of a column that this session has selected."""
    for item in items:
        spec: Any = getattr(item, "callspec", None)
        if spec is not None and spec.params.get("rule_runner") == param:
            yield spec.params["rule"]
