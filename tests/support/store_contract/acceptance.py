"""How a store accepts orders."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from guestagent.errors import OrderRefused
from guestagent.resources.operation import OperationState, RefusalCode
from guestagent.resources.orders import (
    CreateCluster,
    CreateSecurityGroup,
    DeleteCluster,
    RestartInstance,
    UpdateRuleCidr,
    VolumeFate,
)
from guestagent.resources.rule import build_rule
from guestagent.resources.store.protocol import HISTORY_LIMIT, QUEUE_LIMIT
from guestagent.resources.store.records import ClusterChange, ClusterQueue
from tests.support.orders import build_order
from tests.support.store_contract.opened_store import OpenedStore


def refuse_all(_: ClusterQueue | None) -> None:
    raise OrderRefused(RefusalCode.REFUSED, "not this one")


def an_order_is_there_when_it_is_accepted(opened: OpenedStore) -> None:
    operation = opened.create_cluster()

    assert operation.state is OperationState.ACCEPTED
    assert (operation.cluster, operation.kind, operation.sequence) == ("shop", "create_cluster", 1)
    assert opened.store.operation(operation.id) == operation
    assert opened.store.operations("shop") == (operation,)
    assert [(record.name, record.engine) for record in opened.store.clusters()] == [("shop", "natives")]


def the_same_order_is_the_same_operation(opened: OpenedStore) -> None:
    order = build_order(CreateCluster, description={"replicas": 1})
    operation = opened.accept(order)

    repeated = opened.store.accept(replace(order), "natives", refuse_all)

    assert repeated == operation
    assert len(opened.store.operations("shop")) == 1


def another_order_with_the_same_request_id_is_refused(opened: OpenedStore) -> None:
    order = build_order(RestartInstance, instance="Master0000")
    opened.accept(order)
    others = [
        build_order(RestartInstance, request_id=order.request_id, instance="Slave0000"),
        build_order(DeleteCluster, request_id=order.request_id, volumes=VolumeFate.KEEP),
        replace(order, cluster="other"),
    ]

    for other in others:
        with pytest.raises(OrderRefused, match=order.request_id) as refusal:
            opened.accept(other)
        assert refusal.value.code == RefusalCode.REQUEST_REUSED

    assert len(opened.store.clusters()) == len(opened.store.operations("shop")) == 1


def request_ids_differ_by_the_case_of_a_letter(opened: OpenedStore) -> None:
    first = opened.accept(build_order(RestartInstance, request_id="case-A", instance="Master0000"))

    second = opened.accept(build_order(RestartInstance, request_id="case-a", instance="Slave0000"))

    assert first.id != second.id


def an_order_above_the_limit_of_the_queue_is_refused_as_busy(opened: OpenedStore) -> None:
    first = build_order(CreateCluster, description={})
    opened.accept(first)
    for _ in range(QUEUE_LIMIT - 1):
        opened.restart()

    with pytest.raises(OrderRefused, match="shop") as refusal:
        opened.restart()

    assert refusal.value.code == RefusalCode.BUSY
    assert opened.accept(first).sequence == 1, "an accepted order is no new one"
    assert opened.create_cluster("other").state is OperationState.ACCEPTED


def an_order_that_its_check_refuses_leaves_nothing(opened: OpenedStore) -> None:
    order = build_order(CreateCluster, description={})

    with pytest.raises(OrderRefused, match="not this one"):
        opened.store.accept(order, "natives", refuse_all)

    assert (opened.store.clusters(), opened.store.operations("shop")) == ((), ())
    assert opened.store.claim("worker") is None
    assert opened.accept(order).state is OperationState.ACCEPTED


def the_check_gets_the_cluster_with_all_that_waits(opened: OpenedStore) -> None:
    queues: list[ClusterQueue | None] = []
    for _ in range(2):
        order = build_order(RestartInstance, instance="Master0000")
        opened.store.accept(order, "natives", queues.append)

    first, second = queues
    assert first is None
    assert second is not None
    assert [queued.operation.kind for queued in second.queue] == ["restart_instance"]


def orders_are_read_as_they_were_accepted(opened: OpenedStore) -> None:
    rule = build_rule(ip_network("2001:db8::/64"), port_min=3306)
    orders = [
        build_order(CreateCluster, description={"replicas": 1, "variables": {"a": [1, 2.5, None, "ü\n"]}}),
        build_order(CreateSecurityGroup, group="clients", rules=(rule,)),
        build_order(UpdateRuleCidr, group="clients", rule=rule, network=ip_network("2001:db8:1::/64")),
        build_order(DeleteCluster, volumes=VolumeFate.DELETE),
    ]
    operations = [opened.accept(order) for order in orders]

    snapshot = opened.store.read("shop")

    assert snapshot is not None
    assert [queued.order for queued in snapshot.queue] == orders
    assert [queued.operation for queued in snapshot.queue] == operations
    numbers = [queued.number for queued in snapshot.queue]
    assert numbers == sorted(set(numbers))


def operations_are_listed_with_the_newest_first(opened: OpenedStore) -> None:
    operations = [opened.restart() for _ in range(3)]
    opened.restart("other")

    assert [each.id for each in opened.store.operations("shop")] == [each.id for each in reversed(operations)]
    assert opened.store.operations("none") == ()


def a_wish_to_cancel_or_retry_is_noted(opened: OpenedStore) -> None:
    operation = opened.create_cluster()

    assert opened.store.cancel(operation.id) == operation
    opened.store.retry(operation.id)
    assert opened.store.retry(operation.id) == operation

    queued = opened.claim().read().queue[0]
    assert (queued.is_cancelled, queued.retries) == (True, 2)


def nothing_is_noted_for_an_operation_that_has_ended_or_is_unknown(opened: OpenedStore) -> None:
    operation = opened.create_cluster()
    lease = opened.claim()
    opened.end(lease, operation)
    ended = opened.store.operation(operation.id)
    lease.read()
    lease.release(60.0)

    assert opened.store.cancel(operation.id) == opened.store.retry(operation.id) == ended
    assert opened.store.cancel("none") is opened.store.retry("none") is None
    assert opened.store.claim("worker") is None, "nothing has made the cluster due"


def the_last_operations_that_ended_are_kept(opened: OpenedStore) -> None:
    first = build_order(RestartInstance, instance="Master0000")
    operations = [opened.accept(first)]
    lease = opened.claim()
    for _ in range(HISTORY_LIMIT):
        opened.end(lease, operations[-1])
        operations.append(opened.restart())
    assert opened.store.operation(operations[0].id) is not None

    opened.end(lease, operations[-1])

    assert [each.id for each in opened.store.operations("shop")] == [each.id for each in operations[:0:-1]]


def a_repeated_order_is_known_when_its_operation_is_not_listed_any_more(opened: OpenedStore) -> None:
    first = build_order(RestartInstance, instance="Master0000")
    operation = opened.accept(first)
    lease = opened.claim()
    lease.write(ClusterChange(operations=(replace(operation, state=OperationState.DONE, result={"a": "b"}),)))
    for _ in range(HISTORY_LIMIT):
        opened.end(lease, opened.restart())

    repeated = opened.accept(first)

    assert (repeated.id, repeated.state, repeated.result) == (operation.id, OperationState.DONE, {})
    assert operation.id not in {each.id for each in opened.store.operations("shop")}
    with pytest.raises(OrderRefused, match="another order"):
        opened.accept(build_order(RestartInstance, request_id=first.request_id, instance="Slave0000"))


def an_operation_that_waits_is_kept_however_old(opened: OpenedStore) -> None:
    oldest = opened.restart()
    lease = opened.claim()

    for _ in range(HISTORY_LIMIT + 2):
        opened.end(lease, opened.restart())

    assert opened.store.operation(oldest.id) == oldest
    assert len(opened.store.operations("shop")) == HISTORY_LIMIT + 1


ACCEPTANCE_CASES = (
    an_order_is_there_when_it_is_accepted,
    the_same_order_is_the_same_operation,
    another_order_with_the_same_request_id_is_refused,
    request_ids_differ_by_the_case_of_a_letter,
    an_order_above_the_limit_of_the_queue_is_refused_as_busy,
    an_order_that_its_check_refuses_leaves_nothing,
    the_check_gets_the_cluster_with_all_that_waits,
    a_repeated_order_is_known_when_its_operation_is_not_listed_any_more,
    orders_are_read_as_they_were_accepted,
    operations_are_listed_with_the_newest_first,
    a_wish_to_cancel_or_retry_is_noted,
    nothing_is_noted_for_an_operation_that_has_ended_or_is_unknown,
    the_last_operations_that_ended_are_kept,
    an_operation_that_waits_is_kept_however_old,
)
