"""DHCP messages: what of a client is understood, and what it is told."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestagent.embedded.containers.dhcp import (
    DhcpNetwork,
    DhcpRequest,
    MessageType,
    build_reply,
    parse_request,
)

MAC = "02:00:0a:4d:00:0b"
COOKIE = b"\x63\x82\x53\x63"
NETWORK = DhcpNetwork(IPv4Network("10.77.0.0/24"), IPv4Address("10.77.0.1"), IPv4Address("10.77.0.2"))


def build_packet(*options: bytes, operation: int = 1, cookie: bytes = COOKIE) -> bytes:
    header = struct.pack("!BBBBI", operation, 1, 6, 0, 4711) + bytes(20)
    return header + bytes.fromhex(MAC.replace(":", "")) + bytes(10 + 192) + cookie + b"".join(options)


def parse_options(reply: bytes) -> dict[int, bytes]:
    data, options = reply[240:], {}
    while data[0] != 255:
        options[data[0]] = data[2 : 2 + data[1]]
        data = data[2 + data[1] :]
    return options


@pytest.mark.parametrize("kind", [MessageType.DISCOVER, MessageType.REQUEST])
def test_a_client_is_known_by_its_mac_address(kind: MessageType) -> None:
    packet = build_packet(b"\x00", bytes([53, 1, kind]), b"\xff")

    assert parse_request(packet) == DhcpRequest(4711, MAC, kind)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        build_packet(b"\xff"),
        build_packet(bytes([53, 1, 7]), b"\xff"),
        build_packet(bytes([53, 1, 1]), operation=2),
        build_packet(bytes([53, 1, 1]), cookie=b"none"),
        build_packet(bytes([53])),
        build_packet(bytes([53, 0]), b"\xff"),
    ],
    ids=["empty", "no type", "release", "a reply", "no cookie", "cut off", "no value"],
)
def test_other_messages_get_no_answer(packet: bytes) -> None:
    assert parse_request(packet) is None


@given(st.binary(max_size=400))
def test_no_packet_ends_the_server(packet: bytes) -> None:
    parsed = parse_request(packet)

    assert parsed is None or parsed.kind in MessageType


@pytest.mark.parametrize(
    ("kind", "answer"),
    [(MessageType.DISCOVER, MessageType.OFFER), (MessageType.REQUEST, MessageType.ACK)],
)
def test_the_reply_has_the_address_and_what_the_client_asked_for(
    kind: MessageType, answer: MessageType
) -> None:
    reply = build_reply(DhcpRequest(4711, MAC, kind), IPv4Address("10.77.0.11"), NETWORK)

    assert struct.unpack_from("!I", reply, 4) == (4711,)
    assert IPv4Address(reply[16:20]) == IPv4Address("10.77.0.11")
    assert reply[28:34].hex(":") == MAC
    assert parse_options(reply)[53] == bytes([answer])


def test_the_routes_lead_to_the_metadata_service_and_to_everything_else() -> None:
    reply = build_reply(DhcpRequest(1, MAC, MessageType.REQUEST), IPv4Address("10.77.0.11"), NETWORK)

    options = parse_options(reply)
    assert options[121] == bytes([32, 169, 254, 169, 254, 10, 77, 0, 2, 0, 10, 77, 0, 1])
    assert IPv4Address(options[3]) == NETWORK.gateway
    assert IPv4Address(options[1]) == IPv4Address("255.255.255.0")
