"""Raw requests to the compute, volume and network services of a cloud, and waits for what becomes of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from openstack.connection import Connection

from guestagent.embedded.openstack.glance.images import IMAGES

GROW_HEADERS = {"OpenStack-API-Version": "volume 3.42"}
DEFAULT_HEADERS = {"compute": {"OpenStack-API-Version": "compute 2.79"}}
"""Those of a request that names no others. Without them Nova answers as in its first version."""


class RawCloud:
    """Requests to the services of one cloud, as they are."""

    def __init__(self, connection: Connection) -> None:
        self._services = {
            "compute": connection.compute,
            "volume": connection.block_storage,
            "network": connection.network,
        }

    def ask(
        self,
        service: str,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """Return the status and the body of an answer."""
        chosen = dict(headers or DEFAULT_HEADERS.get(service, {}))
        response = self._services[service].request(
            path, method, json=body, headers=chosen, raise_exc=False, connect_retries=0
        )
        content = response.json() if response.content else None
        return response.status_code, content

    def create_volume(self, size: int = 1, **values: object) -> str:
        status, body = self.ask("volume", "POST", "/volumes", {"volume": {"size": size, **values}})
        assert status == 202, body
        return str(body["volume"]["id"])

    def create_server(self, flavor: str = "m1.tiny", **values: object) -> tuple[int, Any]:
        _, flavors = self.ask("compute", "GET", "/flavors")
        flavor_id = next(each["id"] for each in flavors["flavors"] if each["name"] == flavor)
        server = {
            "name": "db",
            "flavorRef": flavor_id,
            "imageRef": IMAGES[0].id,
            "networks": "auto",
            **values,
        }
        return self.ask("compute", "POST", "/servers", {"server": server})

    def have_server(self, flavor: str = "m1.tiny", **values: object) -> str:
        """Create a server and return when it is ACTIVE."""
        status, body = self.create_server(flavor, **values)
        assert status == 202, body
        server_id = str(body["server"]["id"])
        assert self.await_server(server_id, "ACTIVE", "ERROR") == "ACTIVE"
        return server_id

    def get_volume(self, volume_id: str) -> dict[str, Any]:
        status, body = self.ask("volume", "GET", f"/volumes/{volume_id}")
        return body["volume"] if status == 200 else {"status": status}

    def await_volume(self, volume_id: str, *statuses: object) -> object:
        return self._await(lambda: self.get_volume(volume_id)["status"], statuses)

    def get_server(self, server_id: str) -> dict[str, Any]:
        status, body = self.ask("compute", "GET", f"/servers/{server_id}")
        return body["server"] if status == 200 else {"status": status}

    def await_server(self, server_id: str, *statuses: object) -> object:
        return self._await(lambda: self.get_server(server_id)["status"], statuses)

    def list_actions(self, server_id: str) -> list[tuple[str, str | None]]:
        _, body = self.ask("compute", "GET", f"/servers/{server_id}/os-instance-actions")
        return [(each["action"], each["message"]) for each in body["instanceActions"]]

    def act(self, server_id: str, **action: object) -> tuple[int, Any]:
        return self.ask("compute", "POST", f"/servers/{server_id}/action", action)

    def grow(self, volume_id: str, size: int, headers: Mapping[str, str] = GROW_HEADERS) -> tuple[int, Any]:
        return self.ask(
            "volume", "POST", f"/volumes/{volume_id}/action", {"os-extend": {"new_size": size}}, headers
        )

    @staticmethod
    def _await(read: Callable[[], object], statuses: tuple[object, ...]) -> object:
        end = time.monotonic() + 20
        while (status := read()) not in statuses:
            assert time.monotonic() < end, f"{status} instead of one of {statuses}"
            time.sleep(0.02)
        return status


def attach_at_boot(volume_id: str, image_id: str = IMAGES[0].id) -> dict[str, Any]:
    """Return the part of a new server's request for its root disk and its data volume."""
    root = {"uuid": image_id, "source_type": "image", "destination_type": "local", "boot_index": 0}
    volume = {"uuid": volume_id, "source_type": "volume", "destination_type": "volume", "boot_index": -1}
    return {"block_device_mapping_v2": [root, volume]}
