"""The network from which replicas connect. The servers must be able to distinguish its clients from all others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from guestagent.metadata.addresses import CIDR4, CIDR6
from guestagent.metadata.host_patterns import find_enclosing_network, find_host_patterns
from guestagent.metadata.schema_types import Schema
from guestagent.validation import Cursor

EXPECTED_NETWORK = "a network such as 10.0.0.0/24 or 2001:db8:0:1::/64"


@dataclass(frozen=True, slots=True)
class NetworkShape:
    expected: str = EXPECTED_NETWORK

    def read(self, cursor: Cursor) -> IPv4Network | IPv6Network | None:
        text = cursor.value
        if not isinstance(text, str):
            return cursor.add_problem(self.expected)
        if not (re.search(CIDR4, text) or re.search(CIDR6, text)):
            return cursor.add_problem(
                self.expected, "something else", "an address and the length of its prefix, as in these"
            )
        try:
            normalised = ip_network(text, strict=False)
        except ValueError:
            return cursor.add_problem(
                self.expected, "something else", "an address and the length of its prefix, as in these"
            )
        if str(normalised) != text:
            fault = (
                "which has host bits"
                if normalised.network_address != _parse_address(text)
                else "spelled otherwise"
            )
            return cursor.add_problem(self.expected, f"{text}, {fault}", f"the network is {normalised}")
        return normalised if check_network(cursor, normalised) else None

    def build_schema(self) -> Schema:
        return {
            "type": "string",
            "anyOf": [{"pattern": CIDR4}, {"pattern": CIDR6}],
            "$comment": "without host bits, and of IPv6 one that accounts can admit",
        }


def check_network(cursor: Cursor, network: IPv4Network | IPv6Network) -> bool:
    """Return whether accounts can admit exactly this network. If not, note the smallest larger one."""
    if find_host_patterns(network) is not None:
        return True
    nearest = find_enclosing_network(network) if isinstance(network, IPv6Network) else None
    larger = (
        "leave it out"
        if nearest is None
        else f"the smallest larger network that they can distinguish is {nearest}"
    )
    do = f"servers compare the texts of IPv6 addresses, group by group; {larger}"
    cursor.add_problem("a network that the servers can distinguish from others", str(network), do)
    return False


def _parse_address(text: str) -> object:
    return ip_network(f"{text.partition('/')[0]}").network_address
