"""Files of the embedded cloud: its record, its entry in clouds.yaml, guests, processes and passwords."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import fields
from ipaddress import IPv4Network
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import yaml

from guestagent.embedded import cloudsfile, realheat, record
from guestagent.embedded.guests import NamespaceHypervisor, network
from guestagent.embedded.hypervisor import Guest
from guestagent.embedded.realheat import processes
from guestagent.embedded.realheat.layout import Layout, Passwords
from guestagent.embedded.record import Options, Record
from guestagent.secret import Secret
from tests.unit.golden.goldens import golden, load_json, to_json, to_yaml
from tests.unit.golden.stored import StoredFile

FAKE_CLOUD = Record(
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
REAL_CLOUD = Record(
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
PASSWORDS = Passwords(
    database=Secret("one"),
    admin=Secret("two"),
    heat=Secret("three"),
    domain=Secret("four"),
    person=Secret("five"),
    encryption=Secret("six"),
)


def options_in(state: Path, **changes: Any) -> Options:
    return Options("embedded", state, state / "clouds.yaml", IPv4Network("10.77.0.0/24"), **changes)


def cloud_file(value: Record) -> StoredFile:
    return StoredFile(
        "cloud.json",
        lambda state: record.write(options_in(state), value),
        lambda state: record.find(options_in(state)),
        value,
    )


def open_hypervisor(state: Path) -> NamespaceHypervisor:
    return NamespaceHypervisor(state, "ga-embedded", "10.77.0.1", 24)


def write_guest(state: Path) -> None:
    open_hypervisor(state)._write_down(GUEST)


def read_guest(state: Path) -> Guest:
    return open_hypervisor(state)._known(GUEST.id)


def write_passwords(heat: Path) -> None:
    Layout(heat).passwords.write_bytes(PASSWORDS.dump())


def read_passwords(heat: Path) -> Passwords:
    return Passwords.read(Layout(heat).passwords.read_bytes())


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
    options = options_in(Path("/state"))
    wire = network.wire(options.bridge, GUEST.id)
    files = [
        options.record,
        options.log,
        options.heat_folder,
        open_hypervisor(options.state).folder(GUEST.id),
    ]
    return to_json(
        {
            "files": [str(file) for file in files],
            "network": [options.bridge, wire.namespace, wire.link],
        }
    )


@golden("clouds_yaml/entry.yaml")
def build_entry(folder: Path) -> str:
    """Build a clouds.yaml with the entry beside another one."""
    file = folder / "clouds.yaml"
    file.write_text("clouds:\n  theirs:\n    auth: {auth_url: http://theirs.example}\n", encoding="utf-8")
    cloudsfile.put(file, "embedded", FAKE_CLOUD.entry)
    return to_yaml(yaml.safe_load(file.read_text(encoding="utf-8")))


@golden("processes/one.json")
def build_processes(folder: Path) -> str:
    """Build the file for this process as the daemon, without its number and its start time."""
    file = folder / "processes.json"
    processes.write_down(file, [cast(processes.Daemon, SimpleNamespace(pid=os.getpid()))])
    written = load_json(file)
    assert isinstance(written, dict)
    return to_json(
        {"<pid>" if int(pid) == os.getpid() else pid: type(born).__name__ for pid, born in written.items()}
    )


def end_processes(heat: Path) -> None:
    """End the processes of a real Heat that ran in this folder."""
    realheat.sweep(heat)
