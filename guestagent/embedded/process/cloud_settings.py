"""Where a cloud listens and how it behaves, with either Heat."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv4Network

from guestagent.embedded.host.ip_network import IpNetwork


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """Settings of one cloud. `uses_default_ports`: listen on OpenStack's own ports if they are free.

    `page_limit`: the longest page of a list of Nova, Cinder, Neutron and Glance, instead of each service's own.
    """

    host: str = "127.0.0.1"
    network: IpNetwork = field(default_factory=lambda: IPv4Network("10.77.0.0/24"))
    auth_ttl: timedelta = timedelta(minutes=15)
    uses_default_ports: bool = False
    page_limit: int | None = None
