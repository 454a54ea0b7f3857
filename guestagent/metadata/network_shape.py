"""The network from which replicas come: one whose clients the servers can tell from all others."""

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

    def read(self, at: Cursor) -> IPv4Network | IPv6Network | None:
        """Problems in the way of the shapes."""
        text = at.value
        if not isinstance(text, str):
            return at.add_problem(self.expected)
        if not (re.search(CIDR4, text) or re.search(CIDR6, text)):
            return at.add_problem(
                self.expected, "something else", "an address and the length of its prefix, as in these"
            )
        try:
            whole = ip_network(text, strict=False)
        except ValueError:
            return at.add_problem(
                self.expected, "something else", "an address and the length of its prefix, as in these"
            )
        if str(whole) != text:
            how = "which has host bits" if whole.network_address != _address(text) else "spelled otherwise"
            return at.add_problem(self.expected, f"{text}, {how}", f"the network is {whole}")
        return whole if check_network(at, whole) else None

    def build_schema(self) -> Schema:
        return {
            "type": "string",
            "anyOf": [{"pattern": CIDR4}, {"pattern": CIDR6}],
            "$comment": "without host bits, and of IPv6 one that accounts can admit",
        }


def check_network(at: Cursor, network: IPv4Network | IPv6Network) -> bool:
    """Whether accounts can admit exactly this network; if not, note which larger one they can."""
    if find_host_patterns(network) is not None:
        return True
    nearest = find_enclosing_network(network) if isinstance(network, IPv6Network) else None
    larger = (
        "leave it out" if nearest is None else f"the smallest one around it that they can tell is {nearest}"
    )
    do = f"servers compare the texts of IPv6 addresses, group by group; {larger}"
    at.add_problem("a network that the servers can tell from others", str(network), do)
    return False


def _address(text: str) -> object:
    return ip_network(f"{text.partition('/')[0]}").network_address
