"""Ports for services that are closed and opened again."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest

from guestagent.embedded.http.listener import Listener
from guestagent.embedded.http.ports import PORT_RANGE, take_free_port, take_port


def test_a_free_port_is_outside_the_range_of_connections() -> None:
    with ExitStack() as stack:
        bound = [stack.enter_context(take_free_port("127.0.0.1")) for _ in range(5)]
        ports = {each.getsockname()[1] for each in bound}

        assert len(ports) == 5
        assert all(port in PORT_RANGE for port in ports)


def test_a_port_in_use_is_rejected() -> None:
    with take_free_port("127.0.0.1") as bound, pytest.raises(OSError, match="in use"):
        take_port("127.0.0.1", bound.getsockname()[1])


def test_a_service_has_its_port_from_the_moment_it_is_chosen() -> None:
    with take_free_port("127.0.0.1") as bound:
        usual = bound.getsockname()[1]

    one, two = (Listener("127.0.0.1", (usual, 0)) for _ in range(2))

    assert one.port == usual
    assert two.port != usual
    for each in (one, two):
        asyncio.run(each.close())
