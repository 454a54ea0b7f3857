"""What is kept of a cloud that runs as a process of its own, for whoever looks for it later."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from ipaddress import IPv4Network
from pathlib import Path
from typing import Literal

import psutil

from guestagent import durable
from guestagent.secret import Secret

Heat = Literal["fake", "real"]


@dataclass(frozen=True, slots=True)
class Options:
    """One cloud of this machine. `auth_ttl` is the life of presigned URLs.

    `heat_release` is of a real one: Debian's where there is none, else the one of that number from PyPI.
    """

    name: str
    state: Path
    clouds_file: Path
    network: IPv4Network
    guests: bool = True
    auth_ttl: timedelta = timedelta(minutes=15)
    heat: Heat = "fake"
    heat_release: int | None = None

    @property
    def heat_folder(self) -> Path:
        """Where a real Heat lies: what it is made from, and what it is at."""
        return self.state / "heat"

    @property
    def record(self) -> Path:
        return self.state / "cloud.json"

    @property
    def log(self) -> Path:
        return self.state / "cloud.log"

    @property
    def bridge(self) -> str:
        return f"ga-{self.name}"[:15]

    @property
    def gateway(self) -> str:
        return str(next(self.network.hosts()))


@dataclass(frozen=True, slots=True)
class Record:
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
    heat: Heat = "fake"
    heat_release: int | None = None

    def applied_to(self, options: Options) -> Options:
        """The options that the cloud was started with."""
        return replace(options, network=IPv4Network(self.network), guests=self.guests, heat=self.heat)

    @property
    def entry(self) -> dict[str, object]:
        """The clouds.yaml entry. Holds the password."""
        auth = {
            "auth_url": self.auth_url,
            "username": self.username,
            "password": self.password.reveal(),
            "project_name": self.project,
            "user_domain_id": "default",
            "project_domain_id": "default",
        }
        return {"auth": auth, "region_name": self.region, "identity_api_version": "3"}

    @property
    def alive(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.born) < 1
            return same and process.status() != psutil.STATUS_ZOMBIE  # which nobody may ever reap
        except psutil.Error:
            return False


def find(options: Options) -> Record | None:
    """The record of the cloud that runs, or that was killed."""
    content = durable.read(options.record)
    if content is None:
        return None
    kept = json.loads(content)
    return Record(**{**kept, "password": Secret(kept["password"])})


def birth(pid: int) -> float:
    """When a process began: with its number, what tells it from a later one of the same number."""
    return psutil.Process(pid).create_time()


def write(options: Options, record: Record) -> None:
    """Keep the record, password and all, in a file that only its owner reads."""
    kept = {each.name: getattr(record, each.name) for each in fields(record)}
    durable.write(options.record, json.dumps({**kept, "password": record.password.reveal()}).encode())
