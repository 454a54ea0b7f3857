"""What is kept of a cloud that runs as a process of its own, for whoever looks for it later."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Literal

from guestagent import atomic_file
from guestagent.embedded.host.ip_network import IpNetwork
from guestagent.embedded.host.process_identity import is_same_process
from guestagent.embedded.process import clouds_yaml
from guestagent.errors import StorageError
from guestagent.secret import Secret
from guestagent.strict_json import UnreadableContent, get_number, get_text, parse_object
from guestagent.unreadable_file import parse_file

HeatBackend = Literal["fake", "real"]


@dataclass(frozen=True, slots=True)
class CloudOptions:
    """One cloud of this machine. `auth_ttl` is the life of presigned URLs.

    `heat_release` is of a real one: Debian's where there is none, else the one of that number from PyPI.
    """

    name: str
    state_folder: Path
    clouds_file: Path
    network: IpNetwork
    guests: bool = True
    auth_ttl: timedelta = timedelta(minutes=15)
    heat: HeatBackend = "fake"
    heat_release: int | None = None

    @property
    def heat_folder(self) -> Path:
        """Where a real Heat lies: what it is made from, and what it is at."""
        return self.state_folder / "heat"

    @property
    def state_file(self) -> Path:
        return self.state_folder / "cloud.json"

    @property
    def log_file(self) -> Path:
        return self.state_folder / "cloud.log"

    @property
    def bridge(self) -> str:
        return f"ga-{self.name}"[:15]

    @property
    def gateway(self) -> str:
        return str(next(iter(self.network.hosts())))


@dataclass(frozen=True, slots=True)
class CloudState:
    """What a running cloud leaves for those who look for it; the file is 0600."""

    pid: int
    born: float
    network: str
    guests: bool
    auth_url: str
    admin_url: str
    username: str
    project: str
    region: str
    password: Secret
    heat: HeatBackend = "fake"
    heat_release: int | None = None

    def restore_options(self, options: CloudOptions) -> CloudOptions:
        """The options that the cloud was started with."""
        return replace(options, network=ip_network(self.network), guests=self.guests, heat=self.heat)

    @property
    def clouds_entry(self) -> dict[str, object]:
        """The clouds.yaml entry. Holds the password."""
        password = self.password.reveal()
        return clouds_yaml.build_entry(self.auth_url, self.username, password, self.project, self.region)

    @property
    def is_alive(self) -> bool:
        return is_same_process(self.pid, self.born)


def load_cloud_state(options: CloudOptions) -> CloudState | None:
    """The record of the cloud that runs, or that was killed. StorageError says what to do if it cannot be read."""
    try:
        return read_cloud_state(options)
    except UnreadableContent as error:
        do = f"`guestagent cloud down --name {options.name}` ends what runs there, and keeps the file aside"
        raise StorageError(f"{options.state_file} cannot be read ({error}); {do}") from error


def read_cloud_state(options: CloudOptions) -> CloudState | None:
    """The same. Raises Unreadable if the file is damaged, or of another version."""
    return parse_file(options.state_file, _parse)


def _parse(content: bytes) -> CloudState:
    """Keys of later versions are left alone."""
    kept = parse_object(content)
    numbers = {name: get_number(kept, name) for name in ("pid", "born")}
    words = ("network", "auth_url", "admin_url", "username", "project", "region")
    heat, release, guests = kept.get("heat", "fake"), kept.get("heat_release"), kept.get("guests")
    if heat not in ("fake", "real") or not isinstance(guests, bool):
        raise UnreadableContent("not a cloud of this version")
    if release is not None and type(release) is not int:
        raise UnreadableContent("heat_release is not a number")
    try:
        ip_network(get_text(kept, "network"))
    except UnreadableContent:
        raise
    except ValueError:
        raise UnreadableContent("network is none") from None
    return CloudState(
        pid=int(numbers["pid"]),
        born=numbers["born"],
        guests=guests,
        password=Secret(get_text(kept, "password")),
        heat="real" if heat == "real" else "fake",
        heat_release=release,
        **{name: get_text(kept, name) for name in words},
    )


def write_cloud_state(options: CloudOptions, record: CloudState) -> None:
    """Keep the record, password and all, in a file that only its owner reads."""
    kept = {each.name: getattr(record, each.name) for each in fields(record)}
    atomic_file.write_file(
        options.state_file, json.dumps({**kept, "password": record.password.reveal()}).encode()
    )
