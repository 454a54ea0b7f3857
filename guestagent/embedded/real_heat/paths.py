"""Folders, files, addresses and ports of one real Heat. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunPaths:
    """The folders of one run. The account that the daemons run as must be able to reach `folder`."""

    folder: Path

    @property
    def settings(self) -> Path:
        return self.folder / "etc"

    @property
    def scripts(self) -> Path:
        """Our scripts, which OpenStack's own interpreter runs."""
        return self.folder / "lib"

    @property
    def logs(self) -> Path:
        return self.folder / "log"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def data(self) -> Path:
        return self.folder / "mysql"

    @property
    def socket(self) -> Path:
        return self.folder / "mysql.sock"

    @property
    def password_file(self) -> Path:
        return self.folder / "passwords.json"

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders to create before anything starts; empty ones keep Heat from this machine's plugins."""
        return (
            self.settings / "plugins", self.settings / "templates", self.settings / "environment.d",
            self.settings / "policy.d", self.scripts, self.logs, self.keys,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ServiceAddresses:
    """The services' addresses for their users, and the address and ports of this machine that they listen on."""

    keystone: str
    heat: str
    cfn: str
    keystone_port: int
    heat_port: int
    cfn_port: int
    host: str = "127.0.0.1"

    @property
    def ports(self) -> Mapping[str, int]:
        return {"keystone": self.keystone_port, "heat": self.heat_port, "cfn": self.cfn_port}
