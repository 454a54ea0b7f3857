"""The config drive of a guest, as Nova fills it."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

from guestagent.embedded.containers.network_data import build_network_data
from guestagent.embedded.guests.boot_scripts import build_hostname
from guestagent.embedded.openstack.nova.hypervisor import Guest

VERSIONS = ("2018-08-27", "latest")
DOMAIN = "novalocal"  # Nova's default for dhcp_domain
SEED_BYTES = 512


def build_meta_data(guest: Guest) -> dict[str, object]:
    """Build meta_data.json. Like Nova's it has `meta` only if the server has metadata, and keys only of a key pair."""
    keys = [{"name": name, "type": "ssh", "data": text} for name, text in guest.public_keys.items()]
    return {
        "uuid": guest.id,
        **({"meta": dict(guest.instance_metadata)} if guest.instance_metadata else {}),
        **({"public_keys": dict(guest.public_keys), "keys": keys} if keys else {}),
        "hostname": f"{build_hostname(guest.name)}.{DOMAIN}",
        "name": guest.name,
        "launch_index": 0,
        "availability_zone": "nova",
        "random_seed": base64.b64encode(hashlib.shake_256(guest.id.encode()).digest(SEED_BYTES)).decode(),
        "project_id": "demo",
        "devices": [],
        "dedicated_cpus": [],
    }


def build_drive_files(guest: Guest) -> dict[str, bytes]:
    """Build the files of the drive by their paths on it. A guest without user data has no such file."""
    files = {
        "meta_data.json": json.dumps(build_meta_data(guest)).encode(),
        "network_data.json": json.dumps(build_network_data(guest)).encode(),
        "vendor_data.json": b"{}",
        "vendor_data2.json": b"{}",
        **({"user_data": guest.user_data} if guest.user_data else {}),
    }
    return {f"openstack/{version}/{name}": content for version in VERSIONS for name, content in files.items()}


def write_config_drive(drive: Path, guest: Guest) -> None:
    """Write the drive, which root alone can read: it holds the user data, and with them passwords."""
    drive.mkdir(mode=0o700)
    for name, content in build_drive_files(guest).items():
        path = drive / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
