"""Requests to the Heat of an embedded cloud through the session of openstacksdk."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import requests
from openstack.connection import Connection

from guestagent.embedded import FakeHypervisor, Serving
from guestagent.embedded.process.fake_heat_cloud import FakeHeatCloud
from guestagent.metadata.document import HotHandle
from guestagent.secret import Secret

Document = dict[str, object]
BODY = {"Status": "SUCCESS", "Reason": "r", "UniqueId": "u", "Data": "d"}


class HeatRequests:
    """The few requests of these tests, through openstacksdk's own session."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._ids: dict[str, str] = {}

    def post(self, path: str, body: Document) -> requests.Response:
        return self.connection.orchestration.post(path, json=body)

    def create(self, name: str, template: Document, **options: object) -> str:
        answer = self.post("/stacks", {"stack_name": name, "template": template, **options})
        assert answer.status_code == 201, answer.text
        self._ids[name] = answer.json()["stack"]["id"]
        # On a busy machine it may have failed and been rolled back before the first look: then it has none any more.
        self.wait_until(lambda: bool(self.resources(name)) or self.find_status(name) != "CREATE_IN_PROGRESS")
        return self._ids[name]

    def update(self, name: str, template: Document, **options: object) -> None:
        answer = self.connection.orchestration.put(
            self._build_path(name), json={"template": template, **options}
        )
        assert answer.status_code == 202, answer.text

    def delete(self, name: str) -> None:
        assert self.connection.orchestration.delete(self._build_path(name)).status_code == 204

    def get(self, name: str, below: str = "") -> Document:
        answer = self.connection.orchestration.get(self._build_path(name) + below)
        assert answer.status_code == 200, answer.text
        body: Document = answer.json()
        return body

    def find_stack(self, name: str, **filters: str) -> Document:
        answer = self.connection.orchestration.get("/stacks", params={"name": name, **filters}).json()
        stacks: list[Document] = answer["stacks"]
        return stacks[0] if stacks else {}

    def find_status(self, name: str, **filters: str) -> str | None:
        status = self.find_stack(name, **filters).get("stack_status")
        return None if status is None else str(status)

    def resources(self, name: str) -> list[Document]:
        return check_rows(self.get(name, "/resources")["resources"])

    def resource(self, name: str, resource: str) -> Document:
        return next(row for row in self.resources(name) if row["resource_name"] == resource)

    def events(self, name: str) -> list[Document]:
        """Return the events, the oldest first."""
        return check_rows(self.get(name, "/events")["events"])[::-1]

    def outputs(self, name: str) -> dict[str, object]:
        stack = self.get(name)["stack"]
        assert isinstance(stack, dict)
        return {output["output_key"]: output["output_value"] for output in stack["outputs"]}

    def wait(self, name: str, status: str, again: bool = False) -> None:
        if again:
            self.wait_until(
                lambda: (
                    str(self.find_status(name)).endswith("IN_PROGRESS") or self.find_status(name) == status
                )
            )
        self.wait_until(lambda: self.find_status(name) == status)

    def wait_for_resource(self, name: str, resource: str, status: str) -> None:
        self.wait_until(
            lambda: any(
                (row["resource_name"], row["resource_status"]) == (resource, status)
                for row in self.events(name)
            )
        )

    def wait_until(self, holds: Callable[[], bool]) -> None:
        until = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < until, {name: self.find_stack(name) for name in self._ids}
            time.sleep(0.01)

    def _build_path(self, name: str) -> str:
        return f"/stacks/{name}/{self._ids[name]}"


def create_waiting_stack(heat: HeatRequests, name: str, transport: str) -> HotHandle:
    """Create a stack with one wait condition; return its handle as in a node's metadata, once the condition waits."""
    handle = {"type": "OS::Heat::WaitConditionHandle", "properties": {"signal_transport": transport}}
    condition = {"handle": {"get_resource": "Handle"}, "timeout": 60}
    template: Document = {
        "heat_template_version": "2018-08-31",
        "resources": {
            "Handle": handle,
            "Condition": {"type": "OS::Heat::WaitCondition", "properties": condition},
        },
        "outputs": {
            attribute: {"value": {"get_attr": ["Handle", attribute]}}
            for attribute in ("signal", "token", "endpoint")
        },
    }
    heat.create(name, template)
    heat.wait_for_resource(name, "Condition", "CREATE_IN_PROGRESS")
    outputs = heat.outputs(name)
    bearer = json.dumps({"token": outputs["token"], "endpoint": outputs["endpoint"]})
    return HotHandle(Secret(bearer if transport == "TOKEN_SIGNAL" else str(outputs["signal"])))


def check_rows(value: object) -> list[Document]:
    assert isinstance(value, list)
    return value


def get_attributes(row: Document) -> dict[str, str]:
    value = row["attributes"]
    assert isinstance(value, dict)
    return value


def get_fake_hypervisor(cloud: Serving) -> FakeHypervisor:
    assert isinstance(cloud.hypervisor, FakeHypervisor)
    return cloud.hypervisor


def list_booted_nodes(cloud: Serving) -> list[str]:
    """Return the resources whose guests were booted, in order."""
    return [name.split("-")[1] for call, name in get_fake_hypervisor(cloud).calls if call == "boot"]


def put_json(url: str, body: object = BODY) -> requests.Response:
    return requests.put(url, data=json.dumps(body), timeout=5)


def get_fake_cloud(cloud: Serving) -> FakeHeatCloud:
    """Return the fake cloud, whose internal state a test may read."""
    assert isinstance(cloud.cloud, FakeHeatCloud)
    return cloud.cloud
