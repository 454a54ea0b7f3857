"""The life of servers, volumes and ports by raw requests of a member of the project."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from guestagent.embedded.real_cloud.cloud_requests import CloudRequests
from guestagent.errors import CloudRefused

TIMEOUT_S, POLL_INTERVAL_S = 240.0, 0.1
FINAL_SERVER, FINAL_VOLUME = ("ACTIVE", "ERROR"), ("available", "error")


class ServerLifecycle:
    """Requests that fail raise CloudRefused. Statuses are Nova's and Cinder's, and `gone`."""

    def __init__(self, requests: CloudRequests) -> None:
        self._requests = requests

    def create_port(self, name: str) -> str:
        networks = self._requests.find("network", "/v2.0/networks?name=embedded", "networks")
        port = {"name": name, "network_id": networks[0]["id"]}
        return str(self._requests.send("network", "POST", "/v2.0/ports", {"port": port})["port"]["id"])

    def read_port(self, port: str) -> dict[str, Any]:
        return dict(self._requests.send("network", "GET", f"/v2.0/ports/{port}")["port"])

    def delete_port(self, port: str) -> None:
        self._requests.send("network", "DELETE", f"/v2.0/ports/{port}")

    def create_volume(self, name: str, volume_type: str | None = None) -> str:
        volume = {"name": name, "size": 1, "volume_type": volume_type}
        body = self._requests.send("block-storage", "POST", "/volumes", {"volume": volume})
        volume_id = str(body["volume"]["id"])
        self.await_volume(volume_id)
        return volume_id

    def delete_volume(self, volume: str) -> None:
        self._requests.send("block-storage", "DELETE", f"/volumes/{volume}")

    def create_server(self, name: str, port: str, flavor: str = "m1.tiny") -> str:
        images = self._requests.find("image", "/v2/images?name=guestagent-mariadb", "images")
        server = {
            "name": name,
            "flavorRef": self._find_flavor(flavor),
            "imageRef": images[0]["id"],
            "networks": [{"port": port}],
        }
        return str(self._requests.send("compute", "POST", "/servers", {"server": server})["server"]["id"])

    def attach(self, server: str, volume: str) -> None:
        body = {"volumeAttachment": {"volumeId": volume}}
        self._requests.send("compute", "POST", f"/servers/{server}/os-volume_attachments", body)

    def resize(self, server: str, flavor: str) -> None:
        self._act(server, {"resize": {"flavorRef": self._find_flavor(flavor)}})

    def confirm_resize(self, server: str) -> None:
        self._act(server, {"confirmResize": None})

    def delete_server(self, server: str) -> None:
        self._requests.send("compute", "DELETE", f"/servers/{server}")

    def await_server(self, server: str, *statuses: str) -> str:
        """Wait for one of the statuses, or for ERROR; by default for ACTIVE or ERROR. Return the last one."""
        return _await(lambda: self._read_status("compute", "server", server), statuses or FINAL_SERVER)

    def await_volume(self, volume: str, *statuses: str) -> str:
        """Wait for one of the statuses; by default for available or error. Return the last one."""
        return _await(lambda: self._read_status("block-storage", "volume", volume), statuses or FINAL_VOLUME)

    def _act(self, server: str, action: dict[str, Any]) -> None:
        self._requests.send("compute", "POST", f"/servers/{server}/action", action)

    def _find_flavor(self, name: str) -> str:
        flavors = self._requests.find("compute", "/flavors", "flavors")
        return next(str(flavor["id"]) for flavor in flavors if flavor["name"] == name)

    def _read_status(self, service: str, kind: str, resource: str) -> str:
        try:
            return str(self._requests.send(service, "GET", f"/{kind}s/{resource}")[kind]["status"])
        except CloudRefused as error:
            if "(HTTP 404)" in str(error):
                return "gone"
            raise


def _await(read: Callable[[], str], statuses: tuple[str, ...]) -> str:
    deadline = time.monotonic() + TIMEOUT_S
    while (status := read()) not in statuses and status.lower() != "error":
        assert time.monotonic() < deadline, f"{status} instead of one of {statuses}"
        time.sleep(POLL_INTERVAL_S)
    return status
