"""The pages of the status server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from guestagent.errors import UnsupportedEnvironment
from guestagent.resources.service.settings import ListenAddress
from guestagent.resources.service.status_server import StatusPage, StatusServer
from tests.support.database_servers import find_free_port

HOST = "127.0.0.1"
PAGES = {"/healthz": lambda: StatusPage(503, "application/json", b"{}\n")}


@pytest.fixture
def address() -> Iterator[ListenAddress]:
    address = ListenAddress(HOST, find_free_port())
    server = StatusServer(address, PAGES)
    server.open()
    yield address
    server.close()


def test_a_page_is_served_with_its_status(address: ListenAddress) -> None:
    response = requests.get(f"http://{address}/healthz?verbose=1", timeout=10)

    assert (response.status_code, response.text) == (503, "{}\n")
    assert response.headers["Content-Type"] == "application/json"


def test_there_is_no_other_page(address: ListenAddress) -> None:
    assert requests.get(f"http://{address}/", timeout=10).status_code == 404


def test_nothing_can_be_sent(address: ListenAddress) -> None:
    assert requests.post(f"http://{address}/healthz", timeout=10).status_code == 501


def test_an_address_in_use_is_named(address: ListenAddress) -> None:
    with pytest.raises(
        UnsupportedEnvironment, match=f"nothing can listen on {address}, for \\[metrics\\] listen"
    ):
        StatusServer(address, PAGES).open()
