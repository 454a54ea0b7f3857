"""EC2 key pairs: who signed a request, and what that signer may do."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass

from guestagent.secret import Secret


@dataclass(frozen=True, slots=True)
class Pair:
    """A key pair and the resource that it was made for."""

    access: str
    secret: Secret
    stack_id: str
    resource: str


class Keys:
    """Every key pair of the cloud."""

    def __init__(self) -> None:
        self._pairs: dict[str, Pair] = {}

    def make(self, stack_id: str, resource: str) -> Pair:
        pair = Pair(uuid.uuid4().hex, Secret(secrets.token_hex(16)), stack_id, resource)
        self._pairs[pair.access] = pair
        return pair

    def find(self, access: str) -> Pair | None:
        return self._pairs.get(access)

    def revoke(self, access: str) -> None:
        self._pairs.pop(access, None)
