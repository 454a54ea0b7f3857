"""The user data of NATIVES' new servers, and the descriptions of its new clusters: both use the service's keys."""

from __future__ import annotations

from guestagent.errors import StorageError
from guestagent.resources.description import build_cluster, read_description
from guestagent.resources.endpoint.guest_user_data import build_guest_user_data
from guestagent.resources.endpoint.node_document import EndpointAddress
from guestagent.resources.endpoint.signed_path import NodePath, PathPurpose
from guestagent.resources.order_effects import ReadDescription
from guestagent.resources.orders import CreateCluster
from guestagent.resources.source_directory import SourceDirectory
from guestagent.resources.store.protocol import OrderStore
from guestagent.resources.wanted import WantedCluster, WantedInstance
from guestagent.secret import Secret


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
        return build_guest_user_data(url, build_cluster(wanted).polling_interval, self._authority)


def build_description_reader(key_id: str, sources: SourceDirectory) -> ReadDescription:
    """Return the reader of new clusters' descriptions, which derive their passwords from this key."""

    def read(order: CreateCluster) -> WantedCluster:
        return read_description(order, key_id, sources.find_source(order))

    return read
