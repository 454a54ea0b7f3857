"""What the service counts since its start, as text for Prometheus. Threads share the counters."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from guestagent.resources.operation import OperationState
from guestagent.resources.store.records import StoreLoad

PREFIX = "guestagent_resources"
NO_ANSWER = "none"
"""In place of a request's status."""
SERVER_ERROR = 500
Labels = tuple[tuple[str, str], ...]
Samples = Mapping[Labels, float]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric with its samples, by their labels."""

    name: str
    kind: str
    help: str
    samples: Samples


class ServiceMetrics:
    """Counters of rounds, requests to the cloud, lost leases and signals of guests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rounds, self._round_seconds = 0, 0.0
        self._lost_leases = 0
        self._requests: Counter[tuple[str, str, str]] = Counter()
        self._signals: Counter[str] = Counter()
        self._certificates: Counter[str] = Counter()
        self._failing: set[str] = set()

    def count_round(self, seconds: float) -> None:
        """Count a round of a worker for one cluster."""
        with self._lock:
            self._rounds += 1
            self._round_seconds += seconds

    def count_lease_loss(self) -> None:
        """Count a round that ended because another worker has the cluster."""
        with self._lock:
            self._lost_leases += 1

    def count_request(self, service: str, method: str, status: int | None) -> None:
        """Count a request to the cloud. `status` is None if there was no answer."""
        with self._lock:
            self._requests[service, method, NO_ANSWER if status is None else str(status)] += 1
            if status is None or status >= SERVER_ERROR:
                self._failing.add(service)
            else:
                self._failing.discard(service)

    def count_signal(self, is_success: bool) -> None:
        """Count a signal of a guest."""
        with self._lock:
            self._signals["success" if is_success else "failure"] += 1

    def count_certificate(self, is_used: bool) -> None:
        """Count a renewed certificate of the endpoint. It is refused if a guest would not accept it."""
        with self._lock:
            self._certificates["used" if is_used else "refused"] += 1

    def list_failing_services(self) -> list[str]:
        """Return the services of the cloud whose last answer was an error of their own, or missing."""
        with self._lock:
            return sorted(self._failing)

    def list_metrics(self) -> list[Metric]:
        """Return the counters as they are now."""
        with self._lock:
            rounds: Samples = {(): float(self._rounds)}
            seconds: Samples = {(): self._round_seconds}
            requests: Samples = {
                (("service", service), ("method", method), ("status", status)): float(count)
                for (service, method, status), count in self._requests.items()
            }
            signals: Samples = {
                (("result", result),): float(count) for result, count in self._signals.items()
            }
            certificates: Samples = {
                (("result", result),): float(count) for result, count in self._certificates.items()
            }
            lost: Samples = {(): float(self._lost_leases)}
        return [
            Metric("rounds_total", "counter", "Rounds of the workers, each for one cluster.", rounds),
            Metric("round_seconds_total", "counter", "Seconds that the rounds took.", seconds),
            Metric("requests_total", "counter", "Requests to the cloud; status none: no answer.", requests),
            Metric(
                "lease_losses_total", "counter", "Rounds that lost their cluster to another worker.", lost
            ),
            Metric("signals_total", "counter", "Signals of guests that were kept.", signals),
            Metric("certificates_total", "counter", "Renewed certificates, used or refused.", certificates),
        ]


def list_load_metrics(load: StoreLoad) -> list[Metric]:
    """Return what the store counts, for all workers on all hosts. Pure."""
    operations: Samples = {
        (("kind", kind), ("state", str(state))): float(count)
        for (kind, state), count in load.operations.items()
    }
    clusters: Samples = {(("engine", engine),): float(count) for engine, count in load.clusters.items()}

    def count_state(state: OperationState) -> Samples:
        return {(): float(sum(count for (_, each), count in load.operations.items() if each is state))}

    running, queued = count_state(OperationState.RUNNING), count_state(OperationState.ACCEPTED)
    attention: Samples = {(): float(load.attention)}
    due: Samples = {(): load.oldest_due_s}
    return [
        Metric("clusters", "gauge", "Clusters in the store.", clusters),
        Metric("operations", "gauge", "Operations that the store keeps.", operations),
        Metric("operations_running", "gauge", "Operations at work.", running),
        Metric("queue_length", "gauge", "Operations that wait.", queued),
        Metric("operations_attention", "gauge", "Operations that wait for a person.", attention),
        Metric("oldest_due_seconds", "gauge", "For how long a cluster has been waiting for a worker.", due),
    ]


def format_metrics(metrics: list[Metric]) -> str:
    """Return metrics in Prometheus' text format. Pure."""
    return "".join(f"{line}\n" for metric in metrics for line in _format_metric(metric))


def _format_metric(metric: Metric) -> Iterator[str]:
    name = f"{PREFIX}_{metric.name}"
    yield f"# HELP {name} {metric.help}"
    yield f"# TYPE {name} {metric.kind}"
    for labels, value in sorted(metric.samples.items()):
        text = ",".join(f'{key}="{_escape_label(content)}"' for key, content in labels)
        yield f"{name}{{{text}}} {value:.10g}" if text else f"{name} {value:.10g}"


def _escape_label(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
