"""No secret is in the store, the log, the messages, the process or the cloud, over a cluster's whole life."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openstack
import pytest

from guestagent.embedded import Serving, serving
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import CreateCluster, DeleteCluster, Order, RenewInstance, VolumeFate
from guestagent.resources.rpc.broker_settings import BrokerSettings
from guestagent.resources.rpc.client import ResourceClient
from tests.support.fast_manager import FAST_SERVE
from tests.support.heat_requests import get_fake_hypervisor
from tests.support.imitated_guests import ImitatedGuests
from tests.support.manager_secrets import (
    find_secrets,
    list_document_secrets,
    list_key_secrets,
    read_files,
    read_process,
)
from tests.support.message_broker.broker import MessageBroker
from tests.support.message_broker.broker_clients import open_client
from tests.support.message_broker.broker_tap import tap_broker
from tests.support.orders import DESCRIPTION, build_order
from tests.support.served_manager import serve_manager

pytestmark = pytest.mark.timeout(900)


def carry_out(client: ResourceClient, order_type: type[Order], **values: Any) -> None:
    operation = client.submit(build_order(order_type, **values))
    while not operation.state.is_final:
        operation = client.wait(operation.id, operation.sequence, 20)
    assert operation.state is OperationState.DONE, operation


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    with serving() as served:
        yield served


def read_cloud(served: Serving) -> dict[str, bytes]:
    """Return what the project's members see of its servers, volumes, ports and groups."""
    with openstack.connect(**served.connect) as connection:
        kinds = {
            "servers": connection.compute.servers(),
            "volumes": connection.block_storage.volumes(),
            "ports": connection.network.ports(),
            "groups": connection.network.security_groups(),
        }
        return {
            name: json.dumps([each.to_dict() for each in listed]).encode() for name, listed in kinds.items()
        }


def test_no_secret_leaves_its_place(
    broker: MessageBroker, vhost: str, settings: BrokerSettings, served: Serving, tmp_path: Path
) -> None:
    options = {
        "resources": "engine = natives",
        "broker": f"url = {settings.url.reveal()}\nnotification_topic = outcomes",
    }
    places: dict[str, bytes] = {}
    with (
        ImitatedGuests(get_fake_hypervisor(served)) as guests,
        tap_broker(broker, vhost) as tap,
        serve_manager(tmp_path, served.connect, options, FAST_SERVE) as service,
        open_client(settings) as client,
    ):
        service.start()
        carry_out(client, CreateCluster, description=DESCRIPTION)
        first_documents = dict(guests.documents)
        carry_out(client, RenewInstance, instance="Slave0000")
        assert service.process is not None
        places |= read_process(service.process.pid) | read_cloud(served)
        places |= {
            f"user data of {each.name}": each.user_data
            for each in get_fake_hypervisor(served).guests.values()
        }
        places["metrics"] = service.read_page("/metrics").content
        carry_out(client, DeleteCluster, volumes=VolumeFate.DELETE)
        service.stop()
        places |= read_files([*service.settings.guests.key_file.parent.glob("orders*"), tmp_path / "log"])
        places |= read_files((broker.folder / "data").rglob("*")) | read_files(
            (broker.folder / "log").glob("*")
        )
        places["messages"] = b"\n".join(tap.messages)
        secrets = {
            **dict(list_document_secrets(first_documents)),
            **dict(list_document_secrets(guests.documents)),
            **dict(list_key_secrets(service.settings.guests.key_file)),
            "the broker's password": broker.password,
            "the cloud's password": served.connect["auth"]["password"],
        }

    assert b"DEBUG" in places[str(tmp_path / "log")]
    assert len([name for name in secrets if name.endswith("assword")]) >= 4
    assert b"create_cluster" in places["messages"]
    assert b"resources.operation.end" in places["messages"]
    assert find_secrets(secrets, places) == []
