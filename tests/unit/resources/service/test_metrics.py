"""Counters and gauges in Prometheus' text format."""

from __future__ import annotations

import pytest

from guestagent.resources.operation import OperationState
from guestagent.resources.service.metrics import (
    Metric,
    ServiceMetrics,
    format_metrics,
    list_load_metrics,
)
from guestagent.resources.store.records import StoreLoad


def list_samples(metrics: list[Metric]) -> list[str]:
    return [line for line in format_metrics(metrics).splitlines() if not line.startswith("#")]


def test_what_the_service_does_is_counted() -> None:
    metrics = ServiceMetrics()
    for seconds in (0.5, 1.25):
        metrics.count_round(seconds)
    metrics.count_lease_loss()
    metrics.count_request("compute", "GET", 200)
    metrics.count_request("compute", "POST", None)
    metrics.count_signal(True)
    metrics.count_signal(False)
    metrics.count_certificate(True)
    metrics.count_certificate(False)

    assert list_samples(metrics.list_metrics()) == [
        "guestagent_resources_rounds_total 2",
        "guestagent_resources_round_seconds_total 1.75",
        'guestagent_resources_requests_total{service="compute",method="GET",status="200"} 1',
        'guestagent_resources_requests_total{service="compute",method="POST",status="none"} 1',
        "guestagent_resources_lease_losses_total 1",
        'guestagent_resources_signals_total{result="failure"} 1',
        'guestagent_resources_signals_total{result="success"} 1',
        'guestagent_resources_certificates_total{result="refused"} 1',
        'guestagent_resources_certificates_total{result="used"} 1',
    ]


def test_what_there_is_to_do_is_counted() -> None:
    running, accepted = OperationState.RUNNING, OperationState.ACCEPTED
    operations = {("create_cluster", running): 1, ("clean", accepted): 2, ("delete_cluster", accepted): 1}

    samples = list_samples(
        list_load_metrics(StoreLoad(clusters={"natives": 2}, operations=operations, attention=1))
    )

    assert samples == [
        'guestagent_resources_clusters{engine="natives"} 2',
        'guestagent_resources_operations{kind="clean",state="accepted"} 2',
        'guestagent_resources_operations{kind="create_cluster",state="running"} 1',
        'guestagent_resources_operations{kind="delete_cluster",state="accepted"} 1',
        "guestagent_resources_operations_running 1",
        "guestagent_resources_queue_length 3",
        "guestagent_resources_operations_attention 1",
        "guestagent_resources_oldest_due_seconds 0",
    ]


def test_a_metric_has_its_help_and_its_type() -> None:
    metric = Metric("things", "gauge", "Things.", {(("name", 'a"b\\c\nd'),): 1.0})

    assert format_metrics([metric]) == (
        "# HELP guestagent_resources_things Things.\n"
        "# TYPE guestagent_resources_things gauge\n"
        'guestagent_resources_things{name="a\\"b\\\\c\\nd"} 1\n'
    )


@pytest.mark.parametrize("status", [None, 503])
def test_a_service_fails_until_it_answers_again(status: int | None) -> None:
    metrics = ServiceMetrics()

    metrics.count_request("compute", "GET", status)
    assert metrics.list_failing_services() == ["compute"]

    metrics.count_request("compute", "GET", 404)
    assert metrics.list_failing_services() == []
