"""The type of --subnet, for the commands that start a cloud of this machine."""

from __future__ import annotations

from argparse import ArgumentTypeError
from ipaddress import IPv4Network, IPv6Network


def subnet(text: str) -> IPv4Network | IPv6Network:
    """A network in which guests can stand."""
    from guestagent.embedded.ip_network import read_network

    try:
        return read_network(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error
