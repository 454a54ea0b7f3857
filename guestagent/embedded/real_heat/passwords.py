"""The passwords of one real Heat."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, fields

from guestagent.errors import StorageError
from guestagent.secret import Secret
from guestagent.strict_json import UnreadableContent, get_text, parse_object


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
        return cls(**{field.name: Secret(secrets.token_hex(16)) for field in fields(cls)})

    @classmethod
    def parse(cls, content: bytes) -> HeatPasswords:
        """Parse a password file. StorageError if it cannot be read: the databases need these very passwords."""
        try:
            values = parse_object(content)
            return cls(**{field.name: Secret(get_text(values, field.name)) for field in fields(cls)})
        except UnreadableContent as error:
            advice = "`guestagent cloud down --purge` removes what a real Heat is made from"
            raise StorageError(f"the passwords of the real Heat cannot be read ({error}); {advice}") from None

    def dump(self) -> bytes:
        """Dump all of them in clear, for a file that only the daemons' account reads."""
        return json.dumps({field.name: getattr(self, field.name).reveal() for field in fields(self)}).encode()
