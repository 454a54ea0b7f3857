"""A project of some cloud under test, and what a case may do with it beside NATIVES' own requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import pytest

from guestagent.errors import CloudRequestRefused
from guestagent.resources.natives.cloud_api import CloudServer, CloudVolume
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.natives.requests import CloudRequest, CreatePort, CreateServer, CreateVolume
from guestagent.secret import Secret

MARKS: Mapping[str, str] = {"guestagent:engine": "natives"}
USER_DATA = "#!/bin/sh\n"
TIMEOUT_S, POLL_INTERVAL_S = 240.0, 0.1


class CloudOperator(Protocol):
    """The cloud's own side: what its users cannot do or see."""

    def limit_quota(self, name: str, limit: int = 0) -> AbstractContextManager[None]:
        """Let the project have no more `volumes`, `ports` or `rules` than that during the block."""
        ...

    def read_user_data(self, server_id: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class TestedProject:
    """The project. The names in it are the same in each cloud."""

    __test__ = False

    project: OpenStackProject
    operator: CloudOperator

    def send(self, request: CloudRequest) -> str:
        """Send a request, and return the id of what it is about."""
        return self.project.send(request).cloud_id

    def refuse(self, request: CloudRequest) -> tuple[str, str]:
        """Send a request that the cloud refuses, and return the code and the message."""
        with pytest.raises(CloudRequestRefused) as caught:
            self.project.send(request)
        return str(caught.value.code), str(caught.value)

    def get_server(self, server_id: str) -> CloudServer:
        server = self.project.get_server(server_id)
        assert server is not None
        return server

    def get_volume(self, volume_id: str) -> CloudVolume:
        volume = self.project.get_volume(volume_id)
        assert volume is not None
        return volume

    def await_server(self, server_id: str, *statuses: str | None) -> None:
        """Wait for a status; None for a server that is gone."""

        def read() -> str | None:
            server = self.project.get_server(server_id)
            return None if server is None else server.status

        await_value(read, *statuses)

    def await_volume(self, volume_id: str, *statuses: str | None) -> None:
        """Wait for a status; None for a volume that is gone."""

        def read() -> str | None:
            volume = self.project.get_volume(volume_id)
            return None if volume is None else volume.status

        await_value(read, *statuses)

    def await_action(self, server_id: str, action: str, result: str) -> None:
        """Wait until the newest action is this one, with this result."""

        def read() -> tuple[str, str | None]:
            newest = self.project.list_actions(server_id)[0]
            return newest.action, newest.result

        await_value(read, (action, result))

    def create_volume(self, volume_type: str | None = None) -> str:
        """Create a volume of 1 GiB, and return when it is available or in error."""
        request = CreateVolume(
            name="data", size_gib=1, volume_type=volume_type, zone=None, metadata=dict(MARKS)
        )
        volume_id = self.send(request)
        self.await_volume(volume_id, "available", "error")
        return volume_id

    def create_port(self, *groups: str) -> str:
        return self.send(build_port_request(*groups))

    def build_server_request(self, flavor: str = "m1.tiny", volume_id: str = "") -> CreateServer:
        return CreateServer(
            name="db",
            flavor=flavor,
            image="guestagent-mariadb",
            port_id=self.create_port(),
            volume_id=volume_id or self.create_volume(),
            zone=None,
            key_pair=None,
            metadata=dict(MARKS),
            tags=("guestagent", "ga:shop"),
            user_data=Secret(USER_DATA),
        )

    def create_server(self, flavor: str = "m1.tiny") -> tuple[str, CreateServer]:
        """Create a server, and return when it is ACTIVE or in ERROR."""
        request = self.build_server_request(flavor)
        server_id = self.send(request)
        self.await_server(server_id, "ACTIVE", "ERROR")
        return server_id, request


def build_port_request(*groups: str) -> CreatePort:
    return CreatePort(
        name="port", description="a mark", network="embedded", subnet="embedded-subnet", groups=groups
    )


def await_value(read: Callable[[], object], *wanted: object) -> object:
    end = time.monotonic() + TIMEOUT_S
    while (value := read()) not in wanted:
        assert time.monotonic() < end, f"{value} instead of one of {wanted}"
        time.sleep(POLL_INTERVAL_S)
    return value
