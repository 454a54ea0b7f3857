"""The columns for pytest: the fake always, the real one where it is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.contract.campaign import Campaign
from tests.contract.columns import column
from tests.contract.rule import Rule

REAL = "CONTRACT_HEAT"


@pytest.fixture(scope="session")
def campaign(request: pytest.FixtureRequest) -> Iterator[Campaign]:
    """Every selected rule of one column, all of them seen.

    CONTRACT_HEAT is `real`, which is the default, or the name of a cloud in clouds.yaml.
    """
    name = "fake" if request.param == "fake" else os.environ.get(REAL) or "real"
    rules = selected(request.session.items, request.param)
    with column(name) as heat, closing(Campaign(heat, rules)) as begun:
        # pytest writes into the environment between any two tests, and requests reads it in the rules' threads.
        begun.finish()
        yield begun


def selected(items: list[pytest.Item], param: str) -> Iterator[Rule]:
    """The rules of a column that this session will ask for."""
    for item in items:
        spec: Any = getattr(item, "callspec", None)
        if spec is not None and spec.params.get("campaign") == param:
            yield spec.params["rule"]
