"""The services of a cloud, the ports on which they listen, and which service a request is for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

PortName = Literal["keystone", "heat", "cfn", "nova"]
ServiceName = Literal["keystone", "heat", "cfn", "nova", "cinder", "neutron", "glance"]
PORT_NAMES: tuple[PortName, ...] = get_args(PortName)
SERVICE_NAMES: tuple[ServiceName, ...] = get_args(ServiceName)
SHARED_PORT: PortName = "nova"
"""The port of Nova, Cinder, Neutron and Glance, and of the cloud's own API, which is none of these services."""
SHARED_PORT_SERVICES: Mapping[str, ServiceName] = {
    "volume": "cinder",
    "network": "neutron",
    "image": "glance",
    "v2.1": "nova",
    "": "nova",
}
"""The services of the shared port, by the first segment of the path."""


def find_service(port: PortName, path: str) -> ServiceName | None:
    """Return the service that a request to a port is for; None: the cloud's own API."""
    return SHARED_PORT_SERVICES.get(path.split("/")[1]) if port == SHARED_PORT else port


def find_port(service: ServiceName) -> PortName:
    """Return the port on which a service listens."""
    return next((name for name in PORT_NAMES if name == service), SHARED_PORT)
