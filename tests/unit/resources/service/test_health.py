"""The checks of /healthz."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from guestagent.errors import ServiceUnreachable
from guestagent.resources.endpoint.key_ring import make_key_ring
from guestagent.resources.orders import CreateCluster
from guestagent.resources.service.health import (
    DUE_LIMIT_S,
    HealthCheck,
    build_health_page,
    check_broker,
    check_certificate,
    check_cloud,
    check_keys,
    check_store,
    check_workers,
)
from guestagent.resources.service.metrics import ServiceMetrics
from guestagent.resources.store.memory_store import MemoryStore
from guestagent.resources.store.records import ClusterChange
from guestagent.resources.store.store_clock import ManualClock
from tests.support.orders import build_order
from tests.support.served_cluster import ServedCluster

DAY_S = 86400.0
GOOD, BAD = HealthCheck("store", True, "clusters: 2"), HealthCheck("cloud", False, "no answer")


def refuse_connection() -> None:
    raise ServiceUnreachable("message broker: broker port 5672: Connection refused")


def test_one_failing_check_is_a_failing_service() -> None:
    page = build_health_page([lambda: GOOD, lambda: BAD])

    assert page.status == 503
    assert json.loads(page.body) == {
        "status": "failing",
        "checks": {
            "store": {"status": "ok", "detail": "clusters: 2"},
            "cloud": {"status": "failing", "detail": "no answer"},
        },
    }


def test_a_service_without_failing_checks_is_healthy() -> None:
    assert build_health_page([lambda: GOOD]).status == 200


def test_a_cluster_that_waits_for_too_long_is_shown() -> None:
    clock = ManualClock()
    store = MemoryStore(clock)
    store.accept(build_order(CreateCluster, description={}), "natives", lambda _: None)

    assert check_store(store) == HealthCheck("store", True, "clusters: 1")
    clock.sleep(DUE_LIMIT_S + 1)
    assert check_store(store) == HealthCheck(
        "store", False, "a cluster has been waiting for a worker for 901 s"
    )


def test_a_service_of_the_cloud_that_does_not_answer_is_named() -> None:
    metrics = ServiceMetrics()
    assert check_cloud(metrics).is_healthy

    metrics.count_request("network", "GET", None)

    assert check_cloud(metrics).detail == "no answer, or 5xx, to the last request to network"


@pytest.mark.parametrize(
    ("probe", "is_serving", "expected"),
    [
        (lambda: None, True, HealthCheck("broker", True, "connected")),
        (lambda: None, False, HealthCheck("broker", False, "not connected yet: see the log")),
        (
            refuse_connection,
            True,
            HealthCheck("broker", False, "message broker: broker port 5672: Connection refused"),
        ),
    ],
)
def test_the_broker_has_to_accept_connections(
    probe: partial[None], is_serving: bool, expected: HealthCheck
) -> None:
    assert check_broker(probe, lambda: is_serving) == expected


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (15, HealthCheck("certificate", True, "it ends in 15 days")),
        (13, HealthCheck("certificate", False, "it ends in 13 days: renew it")),
        (-1, HealthCheck("certificate", False, "the endpoint's certificate has ended")),
    ],
)
def test_a_certificate_is_renewed_two_weeks_before_its_end(days: int, expected: HealthCheck) -> None:
    assert check_certificate(1e9 + days * DAY_S, 1e9) == expected


def test_a_renewed_certificate_that_cannot_be_used_is_shown() -> None:
    check = check_certificate(1e9 + 40 * DAY_S, 1e9, "another name")

    assert check == HealthCheck("certificate", False, "the renewed certificate is not used: another name")


def test_a_host_with_other_keys_is_shown(tmp_path: Path) -> None:
    cluster, path = ServedCluster(), tmp_path / "keys.json"

    assert check_keys(cluster.store, path, cluster.ring).is_healthy
    assert check_keys(cluster.store, path, make_key_ring()).detail.startswith(
        f"{path} lacks the keys, which these clusters depend on: shop"
    )


def test_a_cluster_whose_keys_nobody_knows_is_shown(tmp_path: Path) -> None:
    cluster = ServedCluster()
    lease = cluster.store.claim("somebody")
    assert lease is not None
    lease.write(ClusterChange(wanted='{"version": 99}'))

    check = check_keys(cluster.store, tmp_path / "keys.json", cluster.ring)

    assert not check.is_healthy
    assert check.detail.startswith(
        "it is unknown which keys these clusters need: shop: the store was written"
    )


def test_a_dead_worker_is_shown() -> None:
    assert check_workers(lambda: True).is_healthy
    assert not check_workers(lambda: False).is_healthy
