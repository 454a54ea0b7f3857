"""What is measured: the latency of accepting orders, many creations at once, and a service at rest."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from guestagent.resources.orders import CreateCluster, RenewInstance
from guestagent.resources.rpc.client import ResourceClient
from tests.bench.resources.bench_service import (
    BenchService,
    build_creation,
    carry_out,
    carry_out_at_once,
    open_clients,
)
from tests.bench.resources.collector_guests import POLLING_INTERVAL_S
from tests.support.orders import build_order

SOURCE = "Master0000"


@dataclass(frozen=True, slots=True)
class Latencies:
    """Seconds of each call by many clients at once. `bare`: of a question that reads nothing, on the same broker."""

    clients: int
    clusters: int
    bare: tuple[float, ...]
    accepted: tuple[float, ...]
    gets_per_round: float


@dataclass(frozen=True, slots=True)
class Creations:
    """Seconds until that many clusters of one instance, ordered at once, are done.

    `cpu_seconds` is the service's processor time, `bare_seconds` what the same requests take without the service.
    """

    clusters: int
    seconds: float
    cpu_seconds: float
    bare_seconds: float


@dataclass(frozen=True, slots=True)
class Rest:
    """A service whose clusters are at rest: its part of a processor, and its memory (PSS).

    `quiet_cpu_part` is without the guests, which read their documents otherwise.
    """

    clusters: int
    instances: int
    seconds: float
    cpu_part: float
    quiet_cpu_part: float
    memory_mib: float
    empty_mib: float
    gets_per_round: float


def measure_latencies(service: BenchService, clients: int, clusters: int, orders: int) -> Latencies:
    """Measure how long the acceptance of orders takes while as many clusters as there are clients are at work."""
    with open_clients(service, clients) as callers:
        creations = [build_creation(f"busy-{number}", 1) for number in range(clusters)]
        carry_out_at_once(callers, creations)
        bare = time_calls(callers, orders, lambda client, _: client.capabilities())
        before = service.read_counters()

        def submit(client: ResourceClient, number: int) -> object:
            cluster = f"busy-{number % clusters}"
            return client.submit(build_order(RenewInstance, cluster=cluster, instance=SOURCE))

        accepted = time_calls(callers, orders, submit)
        for number in range(clusters):
            await_rest(callers[0], f"busy-{number}")
        after = service.read_counters()
    gets = (after.gets - before.gets) / max(1.0, after.rounds - before.rounds)
    return Latencies(clients, clusters, bare, accepted, gets)


def measure_creations(service: BenchService, clusters: int, bare_seconds: float) -> Creations:
    """Measure how long that many creations take that are ordered at once."""
    with open_clients(service, min(clusters, 10)) as callers:
        started_at, cpu_before = time.monotonic(), service.read_cpu_seconds()
        carry_out_at_once(callers, build_creations(clusters))
        seconds = time.monotonic() - started_at
        return Creations(clusters, seconds, service.read_cpu_seconds() - cpu_before, bare_seconds)


def build_creations(clusters: int) -> list[CreateCluster]:
    """Return the orders for that many clusters of one instance."""
    return [build_creation(f"of-{clusters}-{number}", 0) for number in range(clusters)]


def measure_rest(service: BenchService, instances: int, size: int, seconds: float) -> Rest:
    """Measure the service while clusters of that size, and their guests, are at rest."""
    empty_mib = read_memory_mib(service)
    clusters = instances // size
    with open_clients(service, 4) as callers:
        orders = [build_creation(f"idle-{number}", size - 1) for number in range(clusters)]
        carry_out_at_once(callers, orders)
    time.sleep(2 * POLLING_INTERVAL_S)  # then the guests wait as long as they do from then on
    before, cpu_before = service.read_counters(), service.read_cpu_seconds()
    time.sleep(seconds)
    after, cpu_after = service.read_counters(), service.read_cpu_seconds()
    service.cloud.silence_guests()
    time.sleep(2)
    quiet_before = service.read_cpu_seconds()
    time.sleep(seconds)
    quiet_after = service.read_cpu_seconds()
    return Rest(
        clusters=clusters,
        instances=clusters * size,
        seconds=seconds,
        cpu_part=(cpu_after - cpu_before) / seconds,
        quiet_cpu_part=(quiet_after - quiet_before) / seconds,
        memory_mib=read_memory_mib(service),
        empty_mib=empty_mib,
        gets_per_round=(after.gets - before.gets) / max(1.0, after.rounds - before.rounds),
    )


def time_calls(
    clients: list[ResourceClient], repetitions: int, call: Callable[[ResourceClient, int], object]
) -> tuple[float, ...]:
    """Have all clients call at once, each again and again. Return the seconds of each call."""

    def repeat(number: int) -> list[float]:
        seconds = []
        for _ in range(repetitions):
            started_at = time.monotonic()
            call(clients[number], number)
            seconds.append(time.monotonic() - started_at)
        return seconds

    with ThreadPoolExecutor(len(clients)) as pool:
        return tuple(each for part in pool.map(repeat, range(len(clients))) for each in part)


def await_rest(client: ResourceClient, cluster: str) -> None:
    """Return when all orders of a cluster are carried out."""
    carry_out(client, build_order(RenewInstance, cluster=cluster, instance=SOURCE))


def read_memory_mib(service: BenchService) -> float:
    """Return the memory of the service, with its part of what it shares (PSS)."""
    return float(service.process.memory_full_info().pss) / 2**20
