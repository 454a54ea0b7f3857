"""The argparse type of --subnet, for the commands that start a cloud on this machine."""

from __future__ import annotations

from argparse import ArgumentTypeError
from ipaddress import IPv4Network, IPv6Network


def parse_subnet(text: str) -> IPv4Network | IPv6Network:
    """Return a network that is usable for guests."""
    from guestagent.embedded.host.ip_network import parse_network

    try:
        return parse_network(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error
