"""Where the services of a real cloud listen: OpenStack's own ports on one address. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.embedded.real_heat.paths import ServiceAddresses

SERVICE_PORTS: Mapping[str, int] = {
    "keystone": 5000,
    "placement": 8778,
    "glance": 9292,
    "neutron": 9696,
    "cinder": 8776,
    "nova": 8774,
    "heat": 8004,
    "cfn": 8000,
}


@dataclass(frozen=True, slots=True)
class CloudAddresses:
    """The address of all services."""

    host: str

    def get_url(self, service: str) -> str:
        return f"http://{self.host}:{SERVICE_PORTS[service]}"

    @property
    def of_heat(self) -> ServiceAddresses:
        """What Heat must know of them."""
        return ServiceAddresses(
            keystone=self.get_url("keystone"),
            heat=self.get_url("heat"),
            cfn=self.get_url("cfn"),
            keystone_port=SERVICE_PORTS["keystone"],
            heat_port=SERVICE_PORTS["heat"],
            cfn_port=SERVICE_PORTS["cfn"],
            host=self.host,
        )

    @property
    def catalog(self) -> Mapping[str, str]:
        """The endpoints by the type of service."""
        return {
            "identity": f"{self.get_url('keystone')}/v3",
            "placement": self.get_url("placement"),
            "image": self.get_url("glance"),
            "network": self.get_url("neutron"),
            "block-storage": f"{self.get_url('cinder')}/v3/%(project_id)s",
            "compute": f"{self.get_url('nova')}/v2.1",
            "orchestration": f"{self.get_url('heat')}/v1/%(project_id)s",
            "cloudformation": f"{self.get_url('cfn')}/v1",
        }
