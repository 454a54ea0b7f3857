"""A resource manager's service over one project of the embedded cloud, with the engines that a test selects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openstack.connection import Connection

from guestagent.resources.endpoint.application import EndpointApplication
from guestagent.resources.endpoint.endpoint_settings import EndpointSettings
from guestagent.resources.endpoint.key_ring import make_key_ring
from guestagent.resources.endpoint.node_document import EndpointAddress
from guestagent.resources.endpoint.node_endpoint import NodeEndpoint
from guestagent.resources.endpoint.server import EndpointServer
from guestagent.resources.engine_context import EngineContext
from guestagent.resources.engine_selection import EngineSelection
from guestagent.resources.intake import OrderIntake
from guestagent.resources.natives.cloud_api import CloudObservation
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.operation import Operation
from guestagent.resources.orders import Order
from guestagent.resources.resource_service import ResourceService
from guestagent.resources.store.sql_store import SqlStore
from guestagent.resources.store.store_opening import open_sql_store
from guestagent.secret import Secret
from tests.support.database_servers import find_free_port
from tests.support.orders import build_order

HOST = "127.0.0.1"
SETTLE_S = 10.0


@dataclass
class ServedEngines:
    """The service's interface and its store, and the project as it really is."""

    intake: OrderIntake
    store: SqlStore
    project: OpenStackProject

    def carry_out(self, order_type: type[Order], **values: Any) -> Operation:
        """Give an order, and return its operation when it has ended."""
        return self.await_end(self.intake.submit(build_order(order_type, **values)))

    def await_end(self, operation: Operation) -> Operation:
        while not operation.state.is_final:
            operation = self.intake.wait(operation.id, operation.sequence, 20)
        return operation

    def observe(self) -> CloudObservation:
        return self.project.observe()

    def list_everything(self) -> tuple[set[str], ...]:
        """Return the ids of all that the project has."""
        seen = self.observe()
        kinds = (seen.servers, seen.volumes, seen.ports, seen.groups)
        return (*(set(kind) for kind in kinds), {each.id for each in seen.attachments})


def build_address() -> EndpointAddress:
    """Return a free address on loopback, with new keys."""
    return EndpointAddress(f"http://{HOST}:{find_free_port()}", make_key_ring())


@contextmanager
def serve_engines(
    folder: Path,
    connection: Connection,
    select: Callable[[EngineContext], EngineSelection],
    address: EndpointAddress | None = None,
    settle_s: float = SETTLE_S,
) -> Iterator[ServedEngines]:
    """Run a service whose store is in the folder, and whose endpoint is on loopback: at `address`, or at a new one."""
    store = open_sql_store(Secret(f"sqlite:///{folder}/store/orders.db"))
    address = build_address() if address is None else address
    port = int(address.url.rpartition(":")[2])
    endpoint = EndpointServer(EndpointSettings(HOST, port), EndpointApplication(NodeEndpoint(store, address)))
    context = EngineContext(connection=connection, store=store, endpoint=address, settle_s=settle_s)
    selection = select(context)
    service = ResourceService(store, selection.engines, "test", parts=(endpoint,))
    service.open()
    try:
        yield ServedEngines(OrderIntake(store, selection), store, OpenStackProject(connection))
    finally:
        service.close()
        store.close()
