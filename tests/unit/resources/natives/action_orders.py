"""Orders that act on the only instance of a cluster, and what is said when they fail."""

from __future__ import annotations

from guestagent.resources.operation import Operation, OperationState, RefusalCode
from guestagent.resources.orders import (
    MigrateInstance,
    Order,
    ResizeFailure,
    ResizeInstance,
    ResizeVolume,
    RestartInstance,
)
from tests.support.orders import build_order


def resize(on_failure: ResizeFailure = ResizeFailure.REVERT) -> Order:
    order: Order = build_order(
        ResizeInstance, instance="Master0000", flavor="m1.large", on_failure=on_failure
    )
    return order


def migrate() -> Order:
    order: Order = build_order(MigrateInstance, instance="Master0000")
    return order


def grow() -> Order:
    order: Order = build_order(ResizeVolume, instance="Master0000", size_gib=20)
    return order


def restart(hard: bool = False) -> Order:
    order: Order = build_order(RestartInstance, instance="Master0000", hard=hard)
    return order


def get_refusal(operation: Operation) -> tuple[RefusalCode, str]:
    assert operation.state is OperationState.FAILED
    assert operation.refusal is not None
    return operation.refusal.code, operation.refusal.message
