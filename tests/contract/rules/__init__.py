"""Every rule of the contract, in the order of its areas."""

from __future__ import annotations

from tests.contract.rule import Rule
from tests.contract.rules import (
    catalogue,
    conditions,
    deletion,
    failures,
    hot,
    hot_validation,
    lists,
    order,
    parameters,
    polling,
    reads,
    rest,
    servers,
    signals,
    tokens_and_limits,
    updates,
    validation,
    values,
)

AREAS = (
    validation.area,
    hot_validation.area,
    values.area,
    order.area,
    signals.area,
    conditions.area,
    updates.area,
    failures.area,
    hot.area,
    rest.area,
    polling.area,
    servers.area,
    lists.area,
    reads.area,
    parameters.area,
    catalogue.area,
    deletion.area,
    tokens_and_limits.area,
)
RULES: tuple[Rule, ...] = tuple(rule for area in AREAS for rule in area)
