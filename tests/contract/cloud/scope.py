"""What one rule creates, and how it looks at it. All of it is deleted when the rule ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import requests

from tests.contract.cloud.client import COMPUTE, NETWORK, VOLUME, CloudClient, build_name, format_answer

TIMEOUT_S, POLL_INTERVAL_S = 240.0, 0.1
Document = dict[str, Any]
IMAGE, FLAVOR, LARGER_FLAVOR, NETWORK_NAME, SUBNET_NAME = (
    *("guestagent-mariadb", "m1.tiny", "m1.small", "embedded", "embedded-subnet"),
)
"""They have the same names on the embedded cloud and on the real services."""
SLOW = "slow-20"
"""In the name of a server or a volume: each of its operations takes 20 s, so that a busy machine sees it go on."""
PATHS = {
    "server": (COMPUTE, "/servers"),
    "server_group": (COMPUTE, "/os-server-groups"),
    "port": (NETWORK, "/v2.0/ports"),
    "volume": (VOLUME, "/volumes"),
    "snapshot": (VOLUME, "/snapshots"),
    "security_group": (NETWORK, "/v2.0/security-groups"),
    "security_group_rule": (NETWORK, "/v2.0/security-group-rules"),
    "subnet": (NETWORK, "/v2.0/subnets"),
    "network": (NETWORK, "/v2.0/networks"),
}
"""In the order of their deletion."""
GONE = "gone"


class CloudScope:
    """The resources of one rule. Their kinds are the keys of the services' documents: `server`, `volume`, `port`."""

    def __init__(self, cloud: CloudClient) -> None:
        self.cloud = cloud
        self._created: list[tuple[str, str]] = []

    def send(
        self, service: str, method: str, path: str, body: object = None, **how: Any
    ) -> requests.Response:
        return self.cloud.send(service, method, path, body, **how)

    def read(self, service: str, path: str, **how: Any) -> Any:
        """Return the document of a GET that must succeed."""
        answer = self.send(service, "GET", path, **how)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def request_creation(self, kind: str, values: Document, **how: Any) -> requests.Response:
        """Ask for a resource, and return the answer. What was created is deleted at the end."""
        service, path = PATHS[kind]
        answer = self.send(service, "POST", path, {kind: values}, **how)
        if answer.ok:
            self.note_created(kind, answer)
        return answer

    def note_created(self, kind: str, answer: requests.Response) -> str:
        """Have what a request has created deleted at the end, and return its id."""
        resource = str(answer.json()[kind]["id"])
        self._created.append((kind, resource))
        return resource

    def create(self, kind: str, values: Document, **how: Any) -> Document:
        """Create a resource, and return its document in the answer."""
        answer = self.request_creation(kind, values, **how)
        assert answer.ok, answer.text
        return dict(answer.json()[kind])

    def show(self, kind: str, resource: str, **how: Any) -> Document:
        """Return a resource's document, or an empty one if it is gone."""
        service, path = PATHS[kind]
        answer = self.send(service, "GET", f"{path}/{resource}", **how)
        if answer.status_code == 404:
            return {}
        assert answer.status_code == 200, answer.text
        return dict(answer.json()[kind])

    def delete(self, kind: str, resource: str, query: str = "") -> requests.Response:
        service, path = PATHS[kind]
        return self.send(service, "DELETE", f"{path}/{resource}{query}")

    def act(self, server: str, action: str, values: object = None, **how: Any) -> requests.Response:
        """Ask Nova for an action of a server."""
        return self.send(COMPUTE, "POST", f"/servers/{server}/action", {action: values}, **how)

    def read_status(self, kind: str, resource: str) -> str:
        """Return the status; `gone` for a resource that is not there."""
        return str(self.show(kind, resource).get("status", GONE))

    def await_status(self, kind: str, resource: str, *statuses: str) -> str:
        """Wait for one of the statuses, and return it."""
        return self.await_value(lambda: self.read_status(kind, resource), *statuses)

    def await_value(self, read: Callable[[], str], *wanted: str) -> str:
        """Wait until a value is one of these, and return it."""
        deadline = time.monotonic() + TIMEOUT_S
        while (value := read()) not in wanted:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{value} instead of one of {', '.join(wanted)}")
            time.sleep(POLL_INTERVAL_S)
        return value

    def find_id(self, service: str, path: str, kind: str, name: str) -> str:
        """Return the id of what has this name in a list."""
        return next(str(each["id"]) for each in self.read(service, path)[kind] if each["name"] == name)

    def find_flavor(self, name: str = FLAVOR) -> str:
        return self.find_id(COMPUTE, "/flavors", "flavors", name)

    def find_network(self) -> str:
        return self.find_id(NETWORK, f"/v2.0/networks?name={NETWORK_NAME}", "networks", NETWORK_NAME)

    def find_image(self) -> str:
        return self.find_id("image", f"/v2/images?name={IMAGE}", "images", IMAGE)

    def create_port(self, **values: Any) -> str:
        return str(
            self.create("port", {"network_id": self.find_network(), "name": build_name(), **values})["id"]
        )

    def create_volume(self, **values: Any) -> str:
        """Create a volume of 1 GiB, and return when it is available or in error."""
        volume = str(self.create("volume", {"size": 1, "name": build_name(), **values})["id"])
        self.await_status("volume", volume, "available", "error")
        return volume

    def create_group(self, **values: Any) -> str:
        return str(self.create("security_group", {"name": build_name(), **values})["id"])

    def build_server(self, port: str | None = None, volume: str | None = None, **values: Any) -> Document:
        """Return what creates a server, at a port of its own if none is named."""
        server: Document = {
            "name": build_name(),
            "flavorRef": self.find_flavor(),
            "imageRef": self.find_image(),
            "networks": [{"port": port or self.create_port()}],
        }
        if volume is not None:
            server["block_device_mapping_v2"] = [
                build_root_device(server["imageRef"]),
                build_data_device(volume),
            ]
        return {**server, **values}

    def create_server(self, port: str | None = None, volume: str | None = None, **values: Any) -> str:
        """Create a server, and return when it is ACTIVE or in ERROR."""
        server = str(self.create("server", self.build_server(port, volume, **values))["id"])
        self.await_status("server", server, "ACTIVE", "ERROR")
        return server

    def read_actions(self, server: str) -> list[list[str | None]]:
        """Return the actions of a server and their results, the oldest first; None while one goes on."""
        actions = self.read(COMPUTE, f"/servers/{server}/os-instance-actions")["instanceActions"]
        return [[each["action"], self._read_result(server, each)] for each in reversed(actions)]

    def await_action(self, server: str, action: str, *results: str) -> str:
        """Wait until the newest action of this name has one of the results."""

        def read() -> str:
            seen = [result for name, result in self.read_actions(server) if name == action]
            return str(seen[-1]) if seen else "none"

        return self.await_value(read, *(results or ("Success", "Error")))

    def _read_result(self, server: str, action: Document) -> str | None:
        path = f"/servers/{server}/os-instance-actions/{action['request_id']}"
        events = self.read(COMPUTE, path)["instanceAction"]["events"]
        results = [event["result"] for event in events]
        if not results or None in results:
            return None
        return "Success" if set(results) == {"Success"} else "Error"

    def clean_up(self) -> None:
        """Delete what was created, and return when it is gone."""
        for kind in PATHS:
            created = [resource for name, resource in self._created if name == kind]
            for resource in created:
                self._delete_until_accepted(kind, resource)
            for resource in created:
                self.await_value(partial(self._find, kind, resource), GONE)

    def _delete_until_accepted(self, kind: str, resource: str) -> None:
        def delete() -> str:
            answer = self.delete(kind, resource)
            return "done" if answer.ok or answer.status_code == 404 else format_answer(answer)

        self.await_value(delete, "done")

    def _find(self, kind: str, resource: str) -> str:
        return "there" if self.show(kind, resource) else GONE


def build_root_device(image: str) -> Document:
    return {
        "uuid": image,
        "source_type": "image",
        "destination_type": "local",
        "boot_index": 0,
        "delete_on_termination": True,
    }


def build_data_device(volume: str, **values: Any) -> Document:
    return {
        "uuid": volume,
        "source_type": "volume",
        "destination_type": "volume",
        "boot_index": -1,
        "delete_on_termination": False,
        **values,
    }


@contextmanager
def open_scope(cloud: CloudClient) -> Iterator[CloudScope]:
    scope = CloudScope(cloud)
    try:
        yield scope
    finally:
        scope.clean_up()
