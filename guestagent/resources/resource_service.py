"""The service: workers that work off orders, and the endpoint that the guests of NATIVES read from and signal to."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Protocol

from guestagent.errors import StorageError
from guestagent.resources.description import read_description
from guestagent.resources.endpoint.guest_user_data import build_guest_user_data
from guestagent.resources.endpoint.node_document import EndpointAddress
from guestagent.resources.endpoint.signed_path import NodePath, PathPurpose
from guestagent.resources.engine import ResourceEngine
from guestagent.resources.order_effects import ReadDescription
from guestagent.resources.orders import CreateCluster
from guestagent.resources.store.protocol import OrderStore
from guestagent.resources.wanted import WantedCluster, WantedInstance
from guestagent.resources.work_loop import WorkLoop
from guestagent.secret import Secret

LOG = logging.getLogger(__name__)
IDLE_PAUSE_S = 0.2
"""Between two looks for a cluster that is due."""
STORE_PAUSE_S = 5.0
"""After the store could not be read."""
POLLING_INTERVAL_S = 10


class ServedPart(Protocol):
    """A part that answers others: the endpoint of the guests, the server of the message broker."""

    def open(self) -> None: ...
    def close(self) -> None: ...


class ResourceService:
    """Runs workers in threads, beside the parts that answer. A killed service goes on from the store."""

    def __init__(
        self,
        store: OrderStore,
        engines: Mapping[str, ResourceEngine],
        read_description: ReadDescription,
        name: str,
        workers: int = 2,
        parts: Sequence[ServedPart] = (),
    ) -> None:
        self._parts, self._open_parts = parts, ExitStack()
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._work, args=(WorkLoop(store, engines, read_description, f"{name}-{number}"),)
            )
            for number in range(workers)
        ]

    def open(self) -> None:
        """Start everything. If a part cannot start, those that have are stopped again."""
        with ExitStack() as stack:
            for part in self._parts:
                part.open()
                stack.callback(part.close)
            self._open_parts = stack.pop_all()
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Take no more orders, end the present rounds, and stop."""
        self._stopping.set()
        self._open_parts.close()
        for thread in self._threads:
            thread.join()

    def _work(self, loop: WorkLoop) -> None:
        while not self._stopping.is_set():
            try:
                pause_s = 0.0 if loop.work_once() else IDLE_PAUSE_S
            except StorageError as error:
                LOG.error("the store cannot be used: %s", error)
                pause_s = STORE_PAUSE_S
            self._stopping.wait(pause_s)


class UserDataSource:
    """Builds the user data of new servers: the address of a node's first document, and the CA to trust."""

    def __init__(self, store: OrderStore, address: EndpointAddress, authority: str | None = None) -> None:
        self._store, self._address, self._authority = store, address, authority

    def build(self, wanted: WantedCluster, instance: WantedInstance) -> Secret:
        snapshot = self._store.read(wanted.name)
        if snapshot is None:
            raise StorageError(f"cluster {wanted.name} is not in the store any more")
        path = NodePath(wanted.name, instance.name, PathPurpose.BOOT, instance.epoch)
        url = self._address.build_url(snapshot, wanted, path)
        return build_guest_user_data(url, POLLING_INTERVAL_S, self._authority)


def build_description_reader(key_id: str) -> ReadDescription:
    """Return the reader of new clusters' descriptions, which derive their passwords from this key."""

    def read(order: CreateCluster) -> WantedCluster:
        return read_description(order, key_id)

    return read
