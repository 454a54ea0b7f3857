"""The DHCP messages of the metadata network, parsed and built, with the options that Neutron sends. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network

METADATA_ADDRESS = IPv4Address("169.254.169.254")
LEASE_S = 86400
COOKIE = b"\x63\x82\x53\x63"
HEADER = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s")
REQUEST, REPLY, ETHERNET, MAC_LENGTH = 1, 2, 1, 6
BROADCAST_FLAG = 0x8000
PAD_OPTION, END_OPTION = 0, 255


class MessageType(IntEnum):
    """The values of option 53 that are used here."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    ACK = 5


ANSWERS = {MessageType.DISCOVER: MessageType.OFFER, MessageType.REQUEST: MessageType.ACK}


@dataclass(frozen=True, slots=True)
class DhcpRequest:
    """What a client asks for. `mac` is in the form of `ip link`."""

    transaction: int
    mac: str
    kind: MessageType


@dataclass(frozen=True, slots=True)
class DhcpNetwork:
    """The addresses that every client is told. The metadata service is reached through the server."""

    network: IPv4Network
    gateway: IPv4Address
    server: IPv4Address


def parse_request(packet: bytes) -> DhcpRequest | None:
    """Parse a client's message; None if it is none that gets an answer."""
    if len(packet) < HEADER.size + len(COOKIE):
        return None
    operation, hardware, length, _, transaction, *_, address, _, _ = HEADER.unpack_from(packet)
    options = packet[HEADER.size :]
    if (operation, hardware, length) != (REQUEST, ETHERNET, MAC_LENGTH) or not options.startswith(COOKIE):
        return None
    kind = _parse_options(options[len(COOKIE) :]).get(53, b"")
    if len(kind) != 1 or kind[0] not in list(ANSWERS):
        return None
    mac = ":".join(f"{byte:02x}" for byte in address[:MAC_LENGTH])
    return DhcpRequest(transaction, mac, MessageType(kind[0]))


def build_reply(request: DhcpRequest, address: IPv4Address, network: DhcpNetwork) -> bytes:
    """Build the offer of, or the agreement to, an address."""
    mac = bytes.fromhex(request.mac.replace(":", ""))
    unset = IPv4Address(0).packed
    header = HEADER.pack(
        *(REPLY, ETHERNET, MAC_LENGTH, 0, request.transaction, 0, BROADCAST_FLAG),
        *(unset, address.packed, network.server.packed, unset),
        *(mac, b"", b""),
    )
    options = {
        53: bytes([ANSWERS[request.kind]]),
        54: network.server.packed,
        51: struct.pack("!I", LEASE_S),
        1: network.network.netmask.packed,
        3: network.gateway.packed,
        121: _build_routes(network),
    }
    body = b"".join(bytes([code, len(value)]) + value for code, value in options.items())
    return header + COOKIE + body + bytes([END_OPTION])


def _build_routes(network: DhcpNetwork) -> bytes:
    """Build the classless routes: clients that know them ignore the option for the gateway alone."""
    to_metadata = bytes([32]) + METADATA_ADDRESS.packed + network.server.packed
    return to_metadata + bytes([0]) + network.gateway.packed


def _parse_options(data: bytes) -> dict[int, bytes]:
    """Parse the options as far as they are complete."""
    options: dict[int, bytes] = {}
    position = 0
    while position < len(data) and data[position] != END_OPTION:
        if data[position] == PAD_OPTION:
            position += 1
            continue
        if position + 1 >= len(data):
            break
        start, length = position + 2, data[position + 1]
        options[data[position]] = data[start : start + length]
        position = start + length
    return options
