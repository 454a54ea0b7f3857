"""Whether the service works: its store, workers, cloud, broker, keys and certificate. Shown by /healthz."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from guestagent.errors import ServiceUnreachable, StorageError
from guestagent.resources.endpoint.key_ring import KeyRing
from guestagent.resources.service.metrics import ServiceMetrics
from guestagent.resources.service.signing_keys import list_needed_keys, require_keys
from guestagent.resources.service.status_server import StatusPage
from guestagent.resources.store.protocol import OrderStore

DUE_LIMIT_S = 900.0
"""For which a cluster may wait for a worker. A round takes a minute or two if the cloud does not answer."""
CERTIFICATE_LIMIT_S = 14 * 86400


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """The result of one check. `detail` is for people."""

    name: str
    is_healthy: bool
    detail: str


RunCheck = Callable[[], HealthCheck]


def build_health_page(runs: Sequence[RunCheck]) -> StatusPage:
    """Run all checks, and return their results as JSON: with status 503 if one of them fails."""
    checks = [run() for run in runs]
    is_healthy = all(check.is_healthy for check in checks)
    results = {
        check.name: {"status": _get_status(check.is_healthy), "detail": check.detail} for check in checks
    }
    document = {"status": _get_status(is_healthy), "checks": results}
    body = f"{json.dumps(document, indent=2)}\n".encode()
    return StatusPage(200 if is_healthy else 503, "application/json", body)


def check_store(store: OrderStore) -> HealthCheck:
    """Check that the store can be read, and that no cluster has waited for too long."""
    try:
        load = store.read_load()
    except StorageError as error:
        return HealthCheck("store", False, str(error))
    waiting = f"a cluster has been waiting for a worker for {load.oldest_due_s:.0f} s"
    if load.oldest_due_s > DUE_LIMIT_S:
        return HealthCheck("store", False, waiting)
    return HealthCheck("store", True, f"clusters: {sum(load.clusters.values())}")


def check_keys(store: OrderStore, path: Path, ring: KeyRing) -> HealthCheck:
    """Check that this host has the keys of all clusters: another host may have made other ones.

    It fails, too, while a cluster cannot be read, whose keys nobody knows.
    """
    try:
        needed = list_needed_keys(store.clusters())
        require_keys(path, ring, needed)
    except StorageError as error:
        return HealthCheck("keys", False, str(error))
    if needed.unreadable:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in sorted(needed.unreadable.items()))
        return HealthCheck("keys", False, f"it is unknown which keys these clusters need: {reasons}")
    return HealthCheck("keys", True, "those of all clusters")


def check_workers(has_all_workers: Callable[[], bool]) -> HealthCheck:
    """Check that no worker has died."""
    is_healthy = has_all_workers()
    detail = "all at work" if is_healthy else "one has died of a bug: see the log, and restart the service"
    return HealthCheck("workers", is_healthy, detail)


def check_cloud(metrics: ServiceMetrics) -> HealthCheck:
    """Check that the last request to each service was answered, and not with a 5xx. No request is sent for this."""
    failing = metrics.list_failing_services()
    if failing:
        services = ", ".join(failing)
        return HealthCheck("cloud", False, f"no answer, or 5xx, to the last request to {services}")
    return HealthCheck("cloud", True, "every last request was answered")


def check_broker(probe: Callable[[], None], is_serving: Callable[[], bool]) -> HealthCheck:
    """Check that the broker accepts connections, and that requests are taken from it."""
    try:
        probe()
    except ServiceUnreachable as error:
        return HealthCheck("broker", False, str(error))
    if not is_serving():
        return HealthCheck("broker", False, "not connected yet: see the log")
    return HealthCheck("broker", True, "connected")


def check_certificate(ends_at: float, now: float, problem: str = "") -> HealthCheck:
    """Check that the endpoint's certificate does not end soon. `problem`: why a renewed one cannot be used."""
    if problem:
        return HealthCheck("certificate", False, f"the renewed certificate is not used: {problem}")
    days = (ends_at - now) / 86400
    if days <= 0:
        return HealthCheck("certificate", False, "the endpoint's certificate has ended")
    is_healthy = ends_at - now > CERTIFICATE_LIMIT_S
    advice = "" if is_healthy else ": renew it"
    return HealthCheck("certificate", is_healthy, f"it ends in {days:.0f} days{advice}")


def _get_status(is_healthy: bool) -> str:
    return "ok" if is_healthy else "failing"
