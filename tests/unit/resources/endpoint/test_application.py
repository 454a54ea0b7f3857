"""What the application of the endpoint makes of requests that no collector and no agent sends."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from guestagent.resources.endpoint.application import EndpointApplication
from guestagent.resources.endpoint.signed_path import PathPurpose
from tests.support.served_cluster import ServedCluster


@pytest.fixture
def shop() -> ServedCluster:
    return ServedCluster()


def ask(shop: ServedCluster, path: str, query: bytes, host: bytes = b"endpoint.example") -> int:
    """Send a GET as a server hands it over, and return the status of the answer."""
    messages: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        messages.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "https",
        "path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", host)],
        "client": ("10.0.0.9", 1234),
        "server": ("10.0.0.1", 8443),
    }
    asyncio.run(EndpointApplication(shop.endpoint)(scope, receive, send))
    return int(messages[0]["status"])


@pytest.mark.parametrize("host", [b"[", b"[::1", b"a]b", b"", b"\xff", b"other/v1/shop/Slave0001/run/1?"])
def test_the_host_of_a_request_decides_nothing(shop: ServedCluster, host: bytes) -> None:
    path, signature = shop.sign("Slave0000", PathPurpose.RUN)

    assert ask(shop, path, f"Signature={signature}".encode(), host) == 200


@pytest.mark.parametrize("query", [b"", b"Signature=", b"Signature=%ff", b"Signature=\xff", b"Signature=%00"])
def test_a_signature_of_any_bytes_is_wrong(shop: ServedCluster, query: bytes) -> None:
    path, _ = shop.sign("Slave0000", PathPurpose.RUN)

    assert ask(shop, path, query) == 404


@pytest.mark.parametrize("change", ["{}\n", "{}/", "/{}", "{}%00", "{}\x00"])
def test_only_the_path_itself_is_signed(shop: ServedCluster, change: str) -> None:
    path, signature = shop.sign("Slave0000", PathPurpose.RUN)

    assert ask(shop, change.format(path), f"Signature={signature}".encode()) == 404
