"""Two requests at once for a server with the same volume: the real Cinder reserves it for one of them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import openstack
import pytest

from guestagent.embedded.real_cloud import RealCloud
from guestagent.errors import CloudRequestRefused
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.natives.requests import CreateServer, DeletePort, DeleteServer, DeleteVolume
from tests.support.project_contract.tested_project import TestedProject
from tests.support.real_cloud import RealCloudOperator

pytestmark = pytest.mark.timeout(1200)


@pytest.fixture
def tested(real_cloud: RealCloud) -> Iterator[TestedProject]:
    login = real_cloud.connect
    with openstack.connect(**login) as connection:
        yield TestedProject(OpenStackProject(connection), RealCloudOperator(real_cloud))


def create(project: OpenStackProject, request: CreateServer) -> str | None:
    """Create a server, and return its id; None if that is refused."""
    try:
        return project.send(request).cloud_id
    except CloudRequestRefused:
        return None


@pytest.mark.parametrize("times", [3, pytest.param(50, marks=pytest.mark.patient)])
def test_of_two_servers_with_one_volume_there_is_one(tested: TestedProject, times: int) -> None:
    counts = []
    for number in range(times):
        first = replace(tested.build_server_request(), name=f"double-{number}")
        second = replace(first, port_id=tested.create_port())
        with ThreadPoolExecutor(2) as pool:
            ids = list(pool.map(lambda request: create(tested.project, request), (first, second)))
        created = [each for each in ids if each is not None]
        for server_id in created:
            tested.await_server(server_id, "ACTIVE", "ERROR")
        servers = tested.project.observe().servers.values()
        counts.append([server.status for server in servers if server.name == first.name])
        for server_id in created:
            tested.send(DeleteServer(server_id=server_id))
            tested.await_server(server_id, None)
        for port_id in (first.port_id, second.port_id):
            tested.send(DeletePort(port_id=port_id))
        tested.send(DeleteVolume(volume_id=first.volume_id))

    assert counts == [["ACTIVE"]] * times
