"""The resource manager with NATIVES over one project of a cloud: threads, endpoint, guests that signal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openstack
from openstack.connection import Connection

from guestagent.embedded import Serving
from guestagent.resources.endpoint.application import EndpointApplication
from guestagent.resources.endpoint.endpoint_settings import EndpointSettings
from guestagent.resources.endpoint.key_ring import make_key_ring
from guestagent.resources.endpoint.node_document import EndpointAddress
from guestagent.resources.endpoint.node_endpoint import NodeEndpoint
from guestagent.resources.endpoint.server import EndpointServer
from guestagent.resources.engine_context import DEFAULT_SETTLE_S, EngineContext
from guestagent.resources.intake import OrderIntake
from guestagent.resources.natives.cloud_api import CloudObservation
from guestagent.resources.natives.engine_factory import select_natives
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.operation import Operation
from guestagent.resources.orders import Order
from guestagent.resources.resource_service import ResourceService
from guestagent.resources.store.sql_store import SqlStore
from guestagent.resources.store.store_opening import open_sql_store
from guestagent.secret import Secret
from tests.support.database_servers import find_free_port
from tests.support.heat_requests import get_fake_hypervisor
from tests.support.imitated_guests import ImitatedGuests
from tests.support.orders import build_order

HOST = "127.0.0.1"


@dataclass
class NativesManager:
    """A manager whose workers run."""

    intake: OrderIntake
    store: SqlStore
    project: OpenStackProject
    guests: ImitatedGuests
    connection: Connection

    def carry_out(self, order_type: type[Order], **values: Any) -> Operation:
        """Give an order, and return its operation when it has ended."""
        operation = self.intake.submit(build_order(order_type, **values))
        while not operation.state.is_final:
            operation = self.intake.wait(operation.id, operation.sequence, 20)
        return operation

    def observe(self) -> CloudObservation:
        return self.project.observe()


@contextmanager
def open_natives_manager(
    served: Serving, folder: Path, settle_s: float = DEFAULT_SETTLE_S
) -> Iterator[NativesManager]:
    """Yield a manager of the embedded cloud, with its store in the folder."""
    with (
        ImitatedGuests(get_fake_hypervisor(served)) as guests,
        open_project_manager(served.connect, guests, folder, settle_s) as manager,
    ):
        yield manager


@contextmanager
def open_project_manager(
    login: Mapping[str, Any], guests: ImitatedGuests, folder: Path, settle_s: float = DEFAULT_SETTLE_S
) -> Iterator[NativesManager]:
    """Yield a manager of a project of any cloud. `login` are the arguments of `openstack.connect`."""
    store = open_sql_store(Secret(f"sqlite:///{folder}/store/orders.db"))
    ring, port = make_key_ring(), find_free_port()
    address = EndpointAddress(f"http://{HOST}:{port}", ring)
    endpoint = EndpointServer(EndpointSettings(HOST, port), EndpointApplication(NodeEndpoint(store, address)))
    with openstack.connect(**login) as connection:
        context = EngineContext(connection=connection, store=store, endpoint=address, settle_s=settle_s)
        selection = select_natives(context)
        service = ResourceService(store, selection.engines, "test", parts=(endpoint,))
        service.open()
        project = OpenStackProject(connection)
        yield NativesManager(OrderIntake(store, selection), store, project, guests, connection)
        service.close()
    store.close()
