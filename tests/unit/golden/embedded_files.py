"""Files of the embedded cloud: its record, its entry in clouds.yaml, guests, processes and passwords."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import fields
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import yaml

from guestagent.embedded import real_heat
from guestagent.embedded.guests import NamespaceHypervisor, network
from guestagent.embedded.guests.guest_file import write_guest_file
from guestagent.embedded.openstack.nova.hypervisor import Guest
from guestagent.embedded.process import clouds_yaml, state_file
from guestagent.embedded.process.state_file import CloudOptions, CloudState
from guestagent.embedded.real_heat import process_file
from guestagent.embedded.real_heat.passwords import HeatPasswords
from guestagent.embedded.real_heat.paths import RunPaths
from guestagent.secret import Secret
from tests.unit.golden.golden_file import golden, load_json, to_json, to_yaml
from tests.unit.golden.stored_file import StoredFile

FAKE_CLOUD = CloudState(
    pid=4711,
    born=1763920860.25,
    network="10.77.0.0/24",
    guests=True,
    auth_url="http://10.77.0.1:5000/v3",
    admin_url="http://10.77.0.1:8774/embedded",
    username="demo",
    project="demo",
    region="RegionOne",
    password=Secret("s3cret"),
)
REAL_CLOUD = CloudState(
    **{
        **{each.name: getattr(FAKE_CLOUD, each.name) for each in fields(FAKE_CLOUD)},
        "guests": False,
        "heat": "real",
        "heat_release": 27,
    }
)
GUEST = Guest(
    id="1f0e",
    name="db-Slave0000-abcdef",
    address="10.77.0.11",
    prefix=24,
    gateway="10.77.0.1",
    flavor="m1.small",
    vcpus=1,
    memory_mb=256,
    image="guestagent-mariadb",
    user_data=b"",
)
PASSWORDS = HeatPasswords(
    database=Secret("one"),
    admin=Secret("two"),
    heat=Secret("three"),
    domain=Secret("four"),
    person=Secret("five"),
    encryption=Secret("six"),
)


def build_options(state: Path, **changes: Any) -> CloudOptions:
    return CloudOptions("embedded", state, state / "clouds.yaml", IPv4Network("10.77.0.0/24"), **changes)


def cloud_file(value: CloudState) -> StoredFile:
    return StoredFile(
        "cloud.json",
        lambda state: state_file.write_cloud_state(build_options(state), value),
        lambda state: state_file.load_cloud_state(build_options(state)),
        value,
    )


def open_hypervisor(state: Path) -> NamespaceHypervisor:
    return NamespaceHypervisor(state, "ga-embedded", "10.77.0.1", 24)


def write_guest(state: Path) -> None:
    write_guest_file(open_hypervisor(state).find_folder(GUEST.id), GUEST)


def read_guest(state: Path) -> Guest:
    return open_hypervisor(state)._folders.read_guest(GUEST.id)


def write_passwords(heat: Path) -> None:
    RunPaths(heat).password_file.write_bytes(PASSWORDS.dump())


def read_passwords(heat: Path) -> HeatPasswords:
    return HeatPasswords.parse(RunPaths(heat).password_file.read_bytes())


def list_embedded_files() -> Iterator[tuple[str, StoredFile]]:
    yield "cloud/fake.json", cloud_file(FAKE_CLOUD)
    yield "cloud/real.json", cloud_file(REAL_CLOUD)
    yield "guest/full.json", StoredFile(f"guests/{GUEST.id}/guest.json", write_guest, read_guest, GUEST)
    yield (
        "passwords/full.json",
        StoredFile("passwords.json", write_passwords, read_passwords, PASSWORDS),
    )


@golden("contract/embedded_places.json")
def build_places(folder: Path) -> str:
    """Build the list of names by which a later version finds the remains of a cloud: files, bridge, namespaces."""
    options = build_options(Path("/state"))
    wire = network.build_link_names(options.bridge, GUEST.id)
    files = [
        options.state_file,
        options.log_file,
        options.heat_folder,
        open_hypervisor(options.state_folder).find_folder(GUEST.id),
    ]
    return to_json(
        {
            "files": [str(file) for file in files],
            "network": [options.bridge, wire.namespace, wire.host_link],
        }
    )


@golden("clouds_yaml/entry.yaml")
def build_entry(folder: Path) -> str:
    """Build a clouds.yaml with the entry beside another one."""
    file = folder / "clouds.yaml"
    file.write_text("clouds:\n  theirs:\n    auth: {auth_url: http://theirs.example}\n", encoding="utf-8")
    clouds_yaml.write_entry(file, "embedded", FAKE_CLOUD.clouds_entry)
    return to_yaml(yaml.safe_load(file.read_text(encoding="utf-8")))


@golden("processes/one.json")
def build_processes(folder: Path) -> str:
    """Build the file for this process as the daemon, without its number and its start time."""
    file = folder / "processes.json"
    process_file.write_process_file(file, [os.getpid()])
    written = load_json(file)
    assert isinstance(written, dict)
    return to_json(
        {"<pid>" if int(pid) == os.getpid() else pid: type(born).__name__ for pid, born in written.items()}
    )


def end_processes(heat: Path) -> None:
    """End the processes of a real Heat that ran in this folder."""
    real_heat.remove_leftovers(heat)
