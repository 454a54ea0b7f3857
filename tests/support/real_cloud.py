"""A real Nova, Cinder and Neutron for tests, and what their operator does."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from guestagent.embedded.guests import NamespaceHypervisor
from guestagent.embedded.real_cloud import DEBIAN_NAME, CloudGuests, RealCloud, open_real_cloud
from guestagent.embedded.real_cloud.seed import UNLIMITED, lift_quotas
from guestagent.embedded.real_heat.keystone_client import PERSON_ROLES
from guestagent.errors import CloudRefused
from tests.support.environment import open_public_folder
from tests.support.polling import wait_until
from tests.support.signalling_guests import SignallingHypervisor
from tests.support.subnets import open_subnet
from tests.support.switched_hypervisor import SwitchedHypervisor

RELEASE = os.environ.get("CLOUD_RELEASE") or DEBIAN_NAME
POLL_INTERVAL_S = 2.0
"""Each poll of an imitated guest of a stack costs Keystone a token, and Heat a look."""
NOVA, CINDER, NEUTRON = (
    ("compute", "/os-quota-sets", "quota_set"),
    ("block-storage", "/os-quota-sets", "quota_set"),
    ("network", "/v2.0/quotas", "quota"),
)
QUOTAS = {
    "instances": (NOVA, "instances"),
    "cores": (NOVA, "cores"),
    "ram": (NOVA, "ram"),
    "server_groups": (NOVA, "server_groups"),
    "server_group_members": (NOVA, "server_group_members"),
    "volumes": (CINDER, "volumes"),
    "gigabytes": (CINDER, "gigabytes"),
    "per_volume_gigabytes": (CINDER, "per_volume_gigabytes"),
    "ports": (NEUTRON, "port"),
    "groups": (NEUTRON, "security_group"),
    "rules": (NEUTRON, "security_group_rule"),
}


@contextmanager
def open_tested_cloud() -> Iterator[RealCloud]:
    """Run a cloud without guests on a subnet of its own. Call it from the main thread."""
    with (
        open_subnet() as subnet,
        open_public_folder() as folder,
        open_real_cloud(folder, subnet, print, release=RELEASE) as cloud,
    ):
        yield cloud


@dataclass(frozen=True, slots=True)
class RealCloudWithGuests:
    """A cloud, and the hypervisors below it. Those that imitate guests are used until a test switches."""

    cloud: RealCloud
    subnet: IPv4Network
    folder: Path
    imitations: SignallingHypervisor
    namespaces: NamespaceHypervisor
    switch: SwitchedHypervisor


@contextmanager
def open_cloud_with_guests() -> Iterator[RealCloudWithGuests]:
    """Run a cloud on a subnet of its own, with guests in the same. Call it from the main thread."""
    with open_subnet() as subnet, open_public_folder() as folder:
        bridge, gateway = f"gac{subnet.network_address.packed[2]}", str(subnet[1])
        imitations = SignallingHypervisor()
        imitations.poll_interval_s = POLL_INTERVAL_S
        namespaces = NamespaceHypervisor(folder / "guests", bridge, gateway, subnet.prefixlen)
        switch = SwitchedHypervisor(imitations, namespaces)
        with open_real_cloud(folder, subnet, print, CloudGuests(switch, bridge), RELEASE) as cloud:
            yield RealCloudWithGuests(cloud, subnet, folder, imitations, namespaces, switch)


class RealCloudOperator:
    """The administrator of a real cloud."""

    def __init__(self, cloud: RealCloud) -> None:
        self._cloud, self._admin = cloud, cloud.open_admin_requests()
        self._project = cloud.open_requests().project_id

    def create_project(self, name: str) -> Mapping[str, Any]:
        """Create an empty project with a user, and return how one connects to it. The networks are everybody's."""
        password = secrets.token_hex(8)
        project = self._create("project", name=name, domain_id="default")
        user = self._create("user", name=name, domain_id="default", password=password)
        roles = {role["name"]: role["id"] for role in self._admin.find("identity", "/roles", "roles")}
        for role in PERSON_ROLES:
            self._admin.send("identity", "PUT", f"/projects/{project}/users/{user}/roles/{roles[role]}")
        lift_quotas(self._admin, project)
        for network in self._admin.find("network", "/v2.0/networks", "networks"):
            self._admin.send(
                "network", "PUT", f"/v2.0/networks/{network['id']}", {"network": {"shared": True}}
            )
        entry = self._cloud.connect
        auth = {**entry["auth"], "username": name, "password": password, "project_name": name}
        return {**entry, "auth": auth}

    def _create(self, kind: str, **values: str) -> str:
        return str(self._admin.send("identity", "POST", f"/{kind}s", {kind: values})[kind]["id"])

    @contextmanager
    def limit_quota(self, name: str, limit: int = 0) -> Iterator[None]:
        (service, path, kind), quota = QUOTAS[name]
        path = f"{path}/{self._project}"
        wait_until(lambda: self._set_limit(service, path, kind, quota, limit))
        try:
            yield
        finally:
            self._admin.send(service, "PUT", path, {kind: {quota: UNLIMITED}})

    def _set_limit(self, service: str, path: str, kind: str, quota: str, limit: int) -> bool:
        """Cinder and the newer Neutron take no limit below what is used, which may grow between the two requests."""
        used = 0
        if service == CINDER[0]:
            usage = self._admin.send(service, "GET", f"{path}?usage=true")[kind][quota]
            used = usage["in_use"] + usage["reserved"]
        if service == NEUTRON[0]:
            usage = self._admin.send(service, "GET", f"{path}/details.json")[kind][quota]
            used = int(usage["used"]) + int(usage["reserved"])
        with suppress(CloudRefused):
            self._admin.send(service, "PUT", path, {kind: {quota: max(limit, used)}})
            return True
        return False

    def read_user_data(self, server_id: str) -> bytes:
        server = self._admin.send("compute", "GET", f"/servers/{server_id}")["server"]
        return base64.b64decode(server["OS-EXT-SRV-ATTR:user_data"])
