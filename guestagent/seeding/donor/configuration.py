"""The configuration of the donor service: a file that the source's agent writes, and removes when no replica joins."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from guestagent import atomic_file
from guestagent.errors import StorageError
from guestagent.secret import Secret
from guestagent.strict_json import UnreadableContent, get_list, get_number, get_text, parse_object
from guestagent.unreadable_file import parse_file

CONFIGURATION_VERSION = 1
FOLDER, CONFIGURATION_FILE, LOCK_FILE = "donor", "donor.json", "lock"
MIN_LEASE_S = 600.0


@dataclass(frozen=True, slots=True)
class AdmittedReplica:
    """A replica that may have a backup: its node, and the account that its document has for the seed."""

    node: str
    user: str
    password: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class DonorConfiguration:
    """What the service serves. `certificate` and `key` are PEM texts; "": those of the database server are used.

    `rate_limit` in MiB/s, 0 for none. `socket` and `data_directory` are the database server's. After `lease_s` seconds
    in which the file was not renewed, no connection is accepted; streams go on to their end.
    """

    port: int
    socket: str
    data_directory: str
    replicas: tuple[AdmittedReplica, ...] = ()
    certificate: str = ""
    key: Secret = field(default=Secret(""), repr=False)
    rate_limit: int = 0
    lease_s: float = MIN_LEASE_S

    def as_json(self) -> dict[str, object]:
        """Return the configuration for its file. It holds the passwords and the key in clear."""
        return {
            "port": self.port,
            "socket": self.socket,
            "data_directory": self.data_directory,
            "replicas": [
                {"node": replica.node, "user": replica.user, "password": replica.password.reveal()}
                for replica in self.replicas
            ],
            "certificate": self.certificate,
            "key": self.key.reveal(),
            "rate_limit": self.rate_limit,
            "lease": self.lease_s,
        }

    def find_replica(self, node: str, user: str, password: Secret) -> AdmittedReplica | None:
        """Return the replica with these three; None if there is none. The time does not depend on the password."""
        named = [replica for replica in self.replicas if (replica.node, replica.user) == (node, user)]
        expected = named[0].password if named else Secret("")
        return named[0] if expected == password and named and expected else None


@dataclass(frozen=True, slots=True)
class DonorFiles:
    """The files of the donor in the agent's state folder. The service holds the lock while it runs."""

    state_folder: Path

    @property
    def configuration(self) -> Path:
        return self.state_folder / FOLDER / CONFIGURATION_FILE

    @property
    def lock(self) -> Path:
        return self.state_folder / FOLDER / LOCK_FILE


def read_configuration(path: Path) -> DonorConfiguration | None:
    """Read the file; None if there is none, so that no replica joins. Raises UnreadableContent or StorageError."""
    return parse_file(path, lambda content: parse_configuration(parse_object(content, CONFIGURATION_VERSION)))


def write_configuration(path: Path, configuration: DonorConfiguration) -> None:
    """Write the file, if its content changes. Raises StorageError."""
    text = json.dumps({"version": CONFIGURATION_VERSION, **configuration.as_json()}).encode()
    if atomic_file.read_file(path) != text:
        atomic_file.write_file(path, text)


def renew_lease(path: Path) -> None:
    """Renew the lease of the file, if there is one. Raises StorageError."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageError(f"cannot renew {path}: {error.strerror}") from error


def read_lease_stamp(path: Path) -> tuple[int, int] | None:
    """Return a value that differs after each renewal, and after each change; None if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def parse_configuration(data: Mapping[str, object]) -> DonorConfiguration:
    """Build a configuration from its JSON object. Raises UnreadableContent."""
    return DonorConfiguration(
        port=int(get_number(data, "port")),
        socket=get_text(data, "socket"),
        data_directory=get_text(data, "data_directory"),
        replicas=tuple(_parse_replica(item) for item in get_list(data, "replicas")),
        certificate=get_text(data, "certificate"),
        key=Secret(get_text(data, "key")),
        rate_limit=int(get_number(data, "rate_limit")),
        # A file of an older version has none.
        lease_s=get_number(data, "lease") if "lease" in data else MIN_LEASE_S,
    )


def _parse_replica(item: object) -> AdmittedReplica:
    if not isinstance(item, dict):
        raise UnreadableContent("a replica is not an object")
    return AdmittedReplica(get_text(item, "node"), get_text(item, "user"), Secret(get_text(item, "password")))
