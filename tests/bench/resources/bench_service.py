"""The service that is measured: `guestagent resources serve`, RabbitMQ and a cloud, each in processes of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import CreateCluster, Order
from guestagent.resources.rpc.broker_settings import BrokerSettings
from guestagent.resources.rpc.client import ResourceClient
from guestagent.secret import Secret
from tests.bench.resources.bench_cloud import BenchCloud, open_bench_cloud
from tests.support.certificates import ECDSA, CertificateAuthority
from tests.support.database_servers import find_free_port
from tests.support.message_broker.broker import open_broker
from tests.support.message_broker.broker_clients import open_client
from tests.support.orders import build_order
from tests.support.polling import wait_until
from tests.support.served_manager import HOST, ServedManager, serve_manager

ANSWER_TIMEOUT_S = 60.0
GET_PATTERN = re.compile(r'^\S*requests_total\{.*method="GET".*\} (\d+)', re.M)
ROUNDS_PATTERN = re.compile(r"^\S*rounds_total (\d+)", re.M)


@dataclass(frozen=True, slots=True)
class Counters:
    """What the service has counted: rounds of its workers, and GET requests to the cloud."""

    rounds: float
    gets: float


@dataclass(frozen=True, slots=True)
class BenchService:
    """The running service, and the cloud that it works on."""

    cloud: BenchCloud
    manager: ServedManager
    broker: BrokerSettings

    def read_counters(self) -> Counters:
        text = self.manager.read_page("/metrics").text
        rounds = ROUNDS_PATTERN.search(text)
        assert rounds is not None
        return Counters(float(rounds[1]), sum(float(found) for found in GET_PATTERN.findall(text)))

    @property
    def process(self) -> psutil.Process:
        assert self.manager.process is not None
        return psutil.Process(self.manager.process.pid)

    def read_cpu_seconds(self) -> float:
        """Return the processor time of the service since its start."""
        times = self.process.cpu_times()
        return times.user + times.system


@contextmanager
def open_bench_service(folder: Path, workers: int) -> Iterator[BenchService]:
    """Start the service with a new store and a new cloud. Its guests reach it over TLS."""
    folder.mkdir()
    certificate, port = CertificateAuthority(folder, key=ECDSA).sign("endpoint"), find_free_port()
    endpoint = {
        "public_url": f"https://{HOST}:{port}",
        "listen": f"{HOST}:{port}",
        "key_file": folder / "store/keys.json",
        "certificate": certificate.certificate,
        "private_key": certificate.key,
        "authority": certificate.ca,
    }
    with ExitStack() as stack:
        cloud = stack.enter_context(open_bench_cloud(certificate.ca))
        broker = stack.enter_context(open_broker(folder / "broker"))
        url = broker.build_url("/")
        options = {
            "resources": f"engine = natives\nworkers = {workers}",
            "broker": f"url = {url}",
            "endpoint": "\n".join(f"{name} = {value}" for name, value in endpoint.items()),
        }
        manager = stack.enter_context(serve_manager(folder, cloud.connect, options))
        manager.start()
        wait_until(lambda: manager.read_page("/healthz").status_code == 200)
        yield BenchService(cloud, manager, BrokerSettings(Secret(url)))


@contextmanager
def open_clients(service: BenchService, number: int) -> Iterator[list[ResourceClient]]:
    """Connect that many callers, each with connections of its own."""
    with ExitStack() as stack:
        clients = [stack.enter_context(open_client(service.broker, ANSWER_TIMEOUT_S)) for _ in range(number)]
        with ThreadPoolExecutor(number) as pool:
            list(pool.map(lambda client: client.capabilities(), clients))
        yield clients


def build_creation(cluster: str, replicas: int) -> CreateCluster:
    """Return the order for a cluster of small instances."""
    description: dict[str, object] = {
        "flavor": "m1.tiny",
        "image": "guestagent-mariadb",
        "subnet": "embedded-subnet",
        "volume": {"size_gib": 1},
        "source": {},
        "replicas": replicas,
    }
    order: CreateCluster = build_order(CreateCluster, cluster=cluster, description=description)
    return order


def carry_out(client: ResourceClient, order: Order) -> Operation:
    """Give an order, and return its operation when it is done."""
    return await_end(client, client.submit(order))


def await_end(client: ResourceClient, operation: Operation) -> Operation:
    while not operation.state.is_final:
        operation = client.wait(operation.id, operation.sequence, 20)
    assert operation.state is OperationState.DONE, operation
    return operation


def carry_out_at_once(clients: list[ResourceClient], orders: list[Any]) -> None:
    """Give all orders at once, by these clients in turn, and return when all are done."""
    with ThreadPoolExecutor(len(orders)) as pool:
        calls = [
            pool.submit(carry_out, clients[number % len(clients)], order)
            for number, order in enumerate(orders)
        ]
        for call in calls:
            call.result()
