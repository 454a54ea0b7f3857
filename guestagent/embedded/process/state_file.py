"""The options and the state file of a cloud that runs as a separate process."""

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
    `image_tree` is the tree of an image that every guest boots; None: guests are namespaces.
    """

    name: str
    state_folder: Path
    clouds_file: Path
    network: IpNetwork
    guests: bool = True
    auth_ttl: timedelta = timedelta(minutes=15)
    heat: HeatBackend = "fake"
    heat_release: int | None = None
    image_tree: Path | None = None

    @property
    def heat_folder(self) -> Path:
        """The folder of a real Heat."""
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
    """The state that a running cloud writes for other processes. The file is 0600."""

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
    image_tree: str | None = None

    def restore_options(self, options: CloudOptions) -> CloudOptions:
        """The options that the cloud was started with."""
        return replace(
            options,
            network=ip_network(self.network),
            guests=self.guests,
            heat=self.heat,
            image_tree=None if self.image_tree is None else Path(self.image_tree),
        )

    @property
    def clouds_entry(self) -> dict[str, object]:
        """The clouds.yaml entry. Holds the password."""
        password = self.password.reveal()
        return clouds_yaml.build_entry(self.auth_url, self.username, password, self.project, self.region)

    @property
    def is_alive(self) -> bool:
        return is_same_process(self.pid, self.born)


def load_cloud_state(options: CloudOptions) -> CloudState | None:
    """Load the state of a cloud that runs, or that was killed. StorageError, with advice, if it cannot be read."""
    try:
        return read_cloud_state(options)
    except UnreadableContent as error:
        advice = (
            f"`guestagent cloud down --name {options.name}` ends what runs there, and quarantines the file"
        )
        raise StorageError(f"{options.state_file} cannot be read ({error}); {advice}") from error


def read_cloud_state(options: CloudOptions) -> CloudState | None:
    """Read the state. UnreadableContent if the file is damaged or of another version."""
    return parse_file(options.state_file, _parse_state)


def _parse_state(content: bytes) -> CloudState:
    """Parse the state file. Keys of later versions are ignored."""
    values = parse_object(content)
    numbers = {name: get_number(values, name) for name in ("pid", "born")}
    text_names = ("network", "auth_url", "admin_url", "username", "project", "region")
    heat, release, guests = values.get("heat", "fake"), values.get("heat_release"), values.get("guests")
    if heat not in ("fake", "real") or not isinstance(guests, bool):
        raise UnreadableContent("not a cloud of this version")
    if release is not None and type(release) is not int:
        raise UnreadableContent("heat_release is not a number")
    image_tree = None if values.get("image_tree") is None else get_text(values, "image_tree")
    try:
        ip_network(get_text(values, "network"))
    except UnreadableContent:
        raise
    except ValueError:
        raise UnreadableContent("network is none") from None
    return CloudState(
        pid=int(numbers["pid"]),
        born=numbers["born"],
        guests=guests,
        password=Secret(get_text(values, "password")),
        heat="real" if heat == "real" else "fake",
        heat_release=release,
        image_tree=image_tree,
        **{name: get_text(values, name) for name in text_names},
    )


def write_cloud_state(options: CloudOptions, state: CloudState) -> None:
    """Write the state, with the password, to a file that only its owner can read."""
    values = {field.name: getattr(state, field.name) for field in fields(state)}
    atomic_file.write_file(
        options.state_file, json.dumps({**values, "password": state.password.reveal()}).encode()
    )
