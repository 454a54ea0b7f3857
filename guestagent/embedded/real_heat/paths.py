"""Where everything of one real Heat lies, on which ports it answers, and its passwords: values alone."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from guestagent.errors import StorageError
from guestagent.secret import Secret
from guestagent.strict_json import UnreadableContent, get_text, parse_object


@dataclass(frozen=True, slots=True)
class RunPaths:
    """The folders of one run. The account that the daemons run as must be able to reach `folder`."""

    folder: Path

    @property
    def settings(self) -> Path:
        return self.folder / "etc"

    @property
    def scripts(self) -> Path:
        """What of ours is run by OpenStack's own interpreter."""
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
        """What must be there before anything starts; the empty ones keep Heat from this machine's plugins."""
        return (
            self.settings / "plugins", self.settings / "templates", self.settings / "environment.d",
            self.settings / "policy.d", self.scripts, self.logs, self.keys,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ServiceAddresses:
    """The services as their users reach them, and the ports of this machine behind which they are."""

    keystone: str
    heat: str
    cfn: str
    keystone_port: int
    heat_port: int
    cfn_port: int

    @property
    def ports(self) -> Mapping[str, int]:
        return {"keystone": self.keystone_port, "heat": self.heat_port, "cfn": self.cfn_port}


@dataclass(frozen=True, slots=True)
class HeatPasswords:
    """Every credential of one real Heat; `encryption` is what Heat encrypts its own stored ones with."""

    database: Secret
    admin: Secret
    heat: Secret
    domain: Secret
    person: Secret
    encryption: Secret

    @classmethod
    def generate(cls) -> HeatPasswords:
        return cls(**{each.name: Secret(secrets.token_hex(16)) for each in fields(cls)})

    @classmethod
    def parse(cls, content: bytes) -> HeatPasswords:
        """StorageError if the content is none: they cannot be made anew, for the databases know them."""
        try:
            kept = parse_object(content)
            return cls(**{each.name: Secret(get_text(kept, each.name)) for each in fields(cls)})
        except UnreadableContent as error:
            do = "`guestagent cloud down --purge` removes what a real Heat is made from"
            raise StorageError(f"the passwords of the real Heat cannot be read ({error}); {do}") from None

    def dump(self) -> bytes:
        """All of them in clear: for a file that only the daemons' account reads."""
        return json.dumps({each.name: getattr(self, each.name).reveal() for each in fields(self)}).encode()
