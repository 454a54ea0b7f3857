"""Every rule of the contract, in the order of its areas."""

from __future__ import annotations

from tests.contract.heat_rule_area import HeatRule
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
    resource_reads,
    rest,
    servers,
    signals,
    tokens_and_limits,
    unhealthy,
    update_requests,
    updates,
    validation,
    validation_response,
    values,
    volumes,
)

AREAS = (
    validation.area,
    hot_validation.area,
    values.area,
    order.area,
    signals.area,
    conditions.area,
    updates.area,
    update_requests.area,
    unhealthy.area,
    failures.area,
    hot.area,
    rest.area,
    polling.area,
    servers.area,
    volumes.area,
    lists.area,
    reads.area,
    resource_reads.area,
    validation_response.area,
    parameters.area,
    catalogue.area,
    deletion.area,
    tokens_and_limits.area,
)
RULES: tuple[HeatRule, ...] = tuple(rule for area in AREAS for rule in area)
