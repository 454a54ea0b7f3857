"""The seed of cloud-init's NoCloud, as a person writes it by hand for a machine without a cloud."""

from __future__ import annotations

import json
from pathlib import Path

from guestagent.embedded.guests.boot_scripts import build_hostname
from guestagent.embedded.host.ip_network import build_mac_address
from guestagent.embedded.openstack.nova.hypervisor import Guest


def build_seed_files(guest: Guest) -> dict[str, bytes]:
    """Build the files of the seed by their names. They are YAML, of which JSON is a part."""
    subnet = {
        "type": "static6" if ":" in guest.address else "static",
        "address": f"{guest.address}/{guest.prefix}",
        "gateway": guest.gateway,
    }
    link = {
        "type": "physical",
        "name": "eth0",
        "mac_address": build_mac_address(guest.address),
        "subnets": [subnet],
    }
    meta_data: dict[str, object] = {"instance-id": guest.id, "local-hostname": build_hostname(guest.name)}
    if guest.public_keys:
        meta_data["public-keys"] = list(guest.public_keys.values())
    return {
        "meta-data": json.dumps(meta_data).encode(),
        "user-data": guest.user_data,
        "network-config": json.dumps({"version": 1, "config": [link]}).encode(),
    }


def write_seed(folder: Path, guest: Guest) -> None:
    """Write the seed, which root alone can read."""
    folder.mkdir(mode=0o700)
    for name, content in build_seed_files(guest).items():
        (folder / name).write_bytes(content)
