"""Connections that do not log in keep no replica out."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from guestagent.seeding.donor.connections import PENDING_LIMIT, ConnectionTable, DonorConnection, find_origin
from guestagent.seeding.stream_frames import FrameKind
from tests.support.polling import wait_until
from tests.support.running_donor import REQUEST, RunningDonor


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def connect(stack: ExitStack, donor: RunningDonor, address: str = "127.0.0.1") -> socket.socket:
    target = ("127.0.0.1", donor.configuration.port)
    return stack.enter_context(socket.create_connection(target, source_address=(address, 0)))


def is_ended(stream: socket.socket) -> bool:
    """Return whether the donor has ended the connection."""
    stream.settimeout(10)
    try:
        return stream.recv(1) == b""
    except ConnectionResetError:
        return True


def build_connection(address: str) -> DonorConnection:
    return DonorConnection(address, find_origin(address))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.9"], ids=["same machine", "another machine"])
def test_a_replica_logs_in_beside_any_number_of_silent_connections(
    donor: RunningDonor, stack: ExitStack, address: str
) -> None:
    silent = [connect(stack, donor, address) for _ in range(3 * PENDING_LIMIT)]

    with closing(donor.connect()) as client:
        client.send(REQUEST)
        frame = client.read()

    assert "/no/socket" in str(frame.parse()["reason"])
    assert all(is_ended(stream) for stream in silent[:PENDING_LIMIT])


def test_a_replica_logs_in_beside_connections_that_never_end_their_line(
    donor: RunningDonor, stack: ExitStack
) -> None:
    clients = [stack.enter_context(closing(donor.connect())) for _ in range(PENDING_LIMIT)]

    with closing(donor.connect()) as client:
        client.send(REQUEST)
        frame = client.read()

    assert (len(clients), frame.kind) == (PENDING_LIMIT, FrameKind.REFUSAL)
    assert "/no/socket" in str(frame.parse()["reason"])


def test_silent_connections_do_not_delay_the_end_of_the_donor(donor: RunningDonor, stack: ExitStack) -> None:
    silent = connect(stack, donor)
    donor.connect().close()  # the donor accepts them in their order

    donor.path.unlink()
    wait_until(lambda: not donor.is_running)

    assert is_ended(silent)


def test_the_oldest_connection_of_the_machine_with_the_most_is_dropped() -> None:
    table = ConnectionTable(pending_limit=3)
    addresses = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.2"]
    connections = [build_connection(address) for address in addresses]

    victims = [table.add(connection) for connection in connections]

    assert victims == [None, None, None, connections[1]]
    assert [each.is_dropped for each in connections] == [False, True, False, False]


def test_a_connection_that_has_logged_in_is_not_dropped() -> None:
    table = ConnectionTable(pending_limit=1)
    replica, first, second = (build_connection("10.0.0.1") for _ in range(3))
    table.add(replica)
    table.log_in(replica, "Replica0001")

    table.add(first)
    victim = table.add(second)

    assert (victim, replica.is_dropped, table.has_replicas) == (first, False, True)


def test_a_new_login_of_a_node_ends_its_older_connection() -> None:
    table = ConnectionTable()
    old, other, new = (build_connection("10.0.0.1") for _ in range(3))
    for connection, node in ((old, "a"), (other, "b"), (new, "a")):
        table.add(connection)
        table.log_in(connection, node)

    assert [each.is_dropped for each in (old, other, new)] == [True, False, False]


def test_a_table_without_its_replicas_has_none() -> None:
    table, connection = ConnectionTable(), build_connection("10.0.0.1")
    table.add(connection)
    table.log_in(connection, "a")

    table.remove(connection)

    assert not table.has_replicas


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8::1:2:3:4", "2001:db8::"),
        ("fe80::1%eth0", "fe80::"),
    ],
)
def test_all_addresses_that_one_machine_may_have_count_together(address: str, origin: str) -> None:
    assert find_origin(address) == origin
