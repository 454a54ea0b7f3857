"""What a new cloud has: flavors, volume types, images and networks, with the names of the embedded cloud."""

from __future__ import annotations

from ipaddress import IPv4Network

from guestagent.embedded.openstack.cinder.volume_types import VOLUME_TYPES, VolumeType
from guestagent.embedded.openstack.glance.images import IMAGES
from guestagent.embedded.openstack.neutron.network import NETWORK_NAME, SUBNET_NAME
from guestagent.embedded.openstack.nova.flavors import FLAVORS, Flavor
from guestagent.embedded.real_cloud.cloud_requests import CloudRequests, wait_for
from guestagent.embedded.real_cloud.service_config import COMPUTE_HOSTS

PUBLIC_CIDR = "192.0.2.0/24"
FIRST_GUEST = 16
"""The number of a guest's first address: those before it are the machine's and the services'."""
PUBLIC_NETWORK, ROUTER = "public", "embedded-router"
DISK_GIB = 1
NO_HOST_MIB = 100_000_000
IMAGE_CONTENT = bytes(1024)
WAIT_TIMEOUT_S = 240.0
# The services' own limits are a dozen of each, which a few tests would reach.
UNLIMITED = -1
QUOTAS = (
    ("compute", "/os-quota-sets/", "quota_set", ("instances", "cores", "ram", "server_groups")),
    ("block-storage", "/os-quota-sets/", "quota_set", ("volumes", "gigabytes", "snapshots")),
    (
        "network",
        "/v2.0/quotas/",
        "quota",
        ("network", "subnet", "port", "security_group", "security_group_rule"),
    ),
)


def seed_cloud(admin: CloudRequests, member: CloudRequests, guests: IPv4Network) -> None:
    """Create everything, and wait until servers can be created. `guests` is the subnet of the servers."""
    for flavor in FLAVORS:
        _create_flavor(admin, flavor)
    for volume_type in VOLUME_TYPES:
        _create_volume_type(admin, volume_type)
    for image in IMAGES:
        _create_image(admin, image.name)
    _create_networks(admin, member, guests)
    lift_quotas(admin, member.project_id)
    wait_for("the hosts of Nova", lambda: _count_hosts(admin) >= len(COMPUTE_HOSTS), WAIT_TIMEOUT_S)
    wait_for("the services of Cinder", lambda: _is_cinder_up(admin), WAIT_TIMEOUT_S)


def _create_flavor(admin: CloudRequests, flavor: Flavor) -> None:
    memory_mib = NO_HOST_MIB if flavor.has_no_host else flavor.memory_mb
    body = {"id": flavor.id, "name": flavor.name, "vcpus": flavor.vcpus, "ram": memory_mib, "disk": DISK_GIB}
    admin.send("compute", "POST", "/flavors", {"flavor": body})


def _create_volume_type(admin: CloudRequests, volume_type: VolumeType) -> None:
    specs = {"volume_backend_name": "guestagent"}
    if volume_type.is_multiattach:
        specs["multiattach"] = "<is> True"
    body = {"name": volume_type.name, "extra_specs": specs}
    admin.send("block-storage", "POST", "/types", {"volume_type": body})


def _create_image(admin: CloudRequests, name: str) -> None:
    body = {"name": name, "container_format": "bare", "disk_format": "raw", "visibility": "public"}
    image_id = admin.send("image", "POST", "/v2/images", body)["id"]
    admin.send("image", "PUT", f"/v2/images/{image_id}/file", content=IMAGE_CONTENT)


def _create_networks(admin: CloudRequests, member: CloudRequests, guests: IPv4Network) -> None:
    def create(requests: CloudRequests, kind: str, **values: object) -> str:
        return str(requests.send("network", "POST", f"/v2.0/{kind}s", {kind: values})[kind]["id"])

    network = create(member, "network", name=NETWORK_NAME)
    subnet = create(
        member,
        "subnet",
        name=SUBNET_NAME,
        network_id=network,
        ip_version=4,
        cidr=str(guests),
        allocation_pools=[{"start": str(guests[FIRST_GUEST]), "end": str(guests[-2])}],
    )
    provider = {"provider:network_type": "flat", "provider:physical_network": "public"}
    public = create(admin, "network", name=PUBLIC_NETWORK, **{"router:external": True}, **provider)
    create(admin, "subnet", name="public-subnet", network_id=public, ip_version=4, cidr=PUBLIC_CIDR)
    router = create(member, "router", name=ROUTER, external_gateway_info={"network_id": public})
    path = f"/v2.0/routers/{router}/add_router_interface"
    member.send("network", "PUT", path, {"subnet_id": subnet})


def lift_quotas(admin: CloudRequests, project_id: str) -> None:
    """Let a project have as much as it wants of everything."""
    for service, path, kind, names in QUOTAS:
        admin.send(service, "PUT", path + project_id, {kind: dict.fromkeys(names, UNLIMITED)})


def _count_hosts(admin: CloudRequests) -> int:
    return len(admin.find("compute", "/os-hypervisors", "hypervisors"))


def _is_cinder_up(admin: CloudRequests) -> bool:
    services = admin.find("block-storage", "/os-services", "services")
    return {each["binary"] for each in services if each["state"] == "up"} >= {
        "cinder-scheduler",
        "cinder-volume",
    }
