"""One rule of a security group as a value. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """Traffic that a security group allows. Two rules that Neutron takes for the same are equal.

    `network` is the other side, in CIDR form, and its family is that of the rule. None: every member of the same group,
    with addresses of the family in `ethertype`. Without `port_min` all ports are allowed. Source: Neutron's API,
    security-group-rules.
    """

    network: IPv4Network | IPv6Network | None
    protocol: str = "tcp"
    port_min: int | None = None
    port_max: int | None = None
    direction: str = "ingress"
    ethertype: str = "IPv4"

    @property
    def key(self) -> str:
        """A text that equal rules share and no others. Orders name rules by it."""
        ports = "any" if self.port_min is None else f"{self.port_min}-{self.port_max}"
        side = "group" if self.network is None else str(self.network)
        return f"{self.direction}/{self.ethertype}/{self.protocol}/{ports}/{side}"

    def with_network(self, network: IPv4Network | IPv6Network) -> Rule:
        """Return the same rule for another network."""
        return build_rule(network, self.protocol, self.port_min, self.port_max, self.direction)


def build_rule(
    network: IPv4Network | IPv6Network | None,
    protocol: str = "tcp",
    port_min: int | None = None,
    port_max: int | None = None,
    direction: str = "ingress",
    ethertype: str = "IPv4",
) -> Rule:
    """Build a rule. A single port may be given as `port_min` alone. `ethertype` is for rules without a network."""
    if network is not None:
        ethertype = f"IPv{network.version}"
    return Rule(network, protocol, port_min, port_min if port_max is None else port_max, direction, ethertype)
