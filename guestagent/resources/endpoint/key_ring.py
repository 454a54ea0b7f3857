"""The keys from which signatures and passwords are derived. Nothing derived is stored anywhere. Pure."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha512
from hmac import new as build_hmac

from guestagent.controller.passwords import PASSWORD_CHARACTERS, PASSWORD_LENGTH
from guestagent.errors import StorageError
from guestagent.secret import Secret

KEY_BYTES = 32
UNBIASED_LIMIT = 256 - 256 % len(PASSWORD_CHARACTERS)
"""Larger bytes are skipped: with them some characters would be more frequent than others."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys by their ids. New clusters use the `newest`; a cluster keeps its key until it gets new passwords."""

    newest: str
    keys: Mapping[str, bytes] = field(repr=False)

    def get_key(self, key_id: str) -> bytes:
        """Return a key. Raise StorageError if the ring does not have it."""
        if key_id not in self.keys:
            raise StorageError(f"the key ring has no key {key_id}: put the key file back from its backup")
        return self.keys[key_id]

    def derive_password(self, key_id: str, cluster_id: str, name: str) -> Secret:
        """Return the password of this name (`Node.password`, for example): always the same for the same cluster."""
        return self._derive_text(key_id, f"guestagent password\0{cluster_id}\0{name}")

    def derive_follower_password(self, key_id: str, source_id: str, follower: str) -> Secret:
        """Return the password with which the cluster `follower` replicates from the cluster of the id `source_id`."""
        return self._derive_text(key_id, f"guestagent follower\0{source_id}\0{follower}")

    def _derive_text(self, key_id: str, purpose: str) -> Secret:
        key, characters, counter = self.get_key(key_id), "", 0
        while len(characters) < PASSWORD_LENGTH:
            text = f"{purpose}\0{counter}"
            block = build_hmac(key, text.encode(), sha512).digest()
            usable = (byte for byte in block if byte < UNBIASED_LIMIT)
            characters += "".join(PASSWORD_CHARACTERS[byte % len(PASSWORD_CHARACTERS)] for byte in usable)
            counter += 1
        return Secret(characters[:PASSWORD_LENGTH])

    def derive_bytes(self, key_id: str, cluster_id: str, name: str) -> bytes:
        """Return 32 secret bytes for the key pair of this name: always the same for the same cluster."""
        text = f"guestagent key pair\0{cluster_id}\0{name}"
        return build_hmac(self.get_key(key_id), text.encode(), sha512).digest()[:KEY_BYTES]

    def add_key(self) -> KeyRing:
        """Return the ring with a new key, which is the newest."""
        key_id = f"k{len(self.keys) + 1}-{secrets.token_hex(4)}"
        return KeyRing(key_id, {**self.keys, key_id: secrets.token_bytes(KEY_BYTES)})


def make_key_ring() -> KeyRing:
    """Return a ring with one new key."""
    return KeyRing("", {}).add_key()
