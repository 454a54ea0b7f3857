"""Somebody reads the user data of a new server, and uses the address in them before the server does."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from guestagent.embedded import FakeHypervisor, serving
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import CreateCluster, DeleteCluster, ReplaceInstance, VolumeFate
from tests.support.fast_manager import FAST_SERVE
from tests.support.fast_service import open_fast_orders
from tests.support.imitated_guests import URL_PATTERN, FakeHypervisorGuests, ImitatedGuests, RunningGuest
from tests.support.orders import DESCRIPTION, carry_out
from tests.support.served_manager import serve_manager

NODE, THIEF = "127.0.0.1", "127.0.0.2"
ROBBED = "Slave0000"
IMPATIENT = {"deadline": 200, "boot_allowance": 100}
"""On a clock that is 20 times as fast."""

pytestmark = pytest.mark.timeout(900)


class RobbedGuests:
    """The guests of a fake hypervisor. The first server of ROBBED is seen only when a thief has read its document."""

    def __init__(self, hypervisor: FakeHypervisor) -> None:
        self._guests = FakeHypervisorGuests(hypervisor)
        self.document: dict[str, Any] = {}

    def read_guests(self) -> Mapping[str, RunningGuest]:
        guests = self._guests.read_guests()
        for guest in guests.values():
            found = URL_PATTERN.search(guest.user_data)
            if ROBBED in guest.name and found is not None and not self.document:
                first = read_as_thief(found[1].decode())
                self.document = read_as_thief(first["os-collect-config"]["request"]["metadata_url"])
        return guests


def read_as_thief(url: str) -> dict[str, Any]:
    """Read a document from another network address than the guests'."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(
        str(address.hostname), address.port, timeout=10, source_address=(THIEF, 0)
    )
    connection.request("GET", f"{address.path}?{address.query}")
    response = connection.getresponse()
    content = response.read()
    connection.close()
    assert response.status == 200, content
    document: dict[str, Any] = json.loads(content)
    return document


def test_the_node_never_proves_itself_and_an_event_tells_why_until_it_is_replaced(tmp_path: Path) -> None:
    hypervisor = FakeHypervisor()
    guests = RobbedGuests(hypervisor)
    with (
        serving(hypervisor) as served,
        ImitatedGuests(guests),
        serve_manager(tmp_path, served.connect, {"resources": "engine = natives"}, FAST_SERVE) as service,
        open_fast_orders(service) as manager,
    ):
        service.start()

        created = carry_out(manager, CreateCluster, description={**DESCRIPTION, **IMPATIENT})
        events = [event.text for event in manager.events("shop")]
        replaced = carry_out(manager, ReplaceInstance, instance=ROBBED)
        later_events = [event.text for event in manager.events("shop")]
        deleted = carry_out(manager, DeleteCluster, volumes=VolumeFate.DELETE)

    assert guests.document, "nothing was stolen"
    assert created.refusal is not None
    assert (created.state, created.refusal.code) == (OperationState.FAILED, "deadline")
    assert f"{ROBBED} did not prove itself" in created.refusal.message
    theft = f"{NODE} has used the address of the document of {ROBBED}, which {THIEF} had used first"
    assert len([text for text in events if text.startswith(theft)]) == 1
    assert len([text for text in later_events if "had used first" in text]) == 1
    assert [replaced.state, deleted.state] == [OperationState.DONE] * 2, (replaced, deleted)
