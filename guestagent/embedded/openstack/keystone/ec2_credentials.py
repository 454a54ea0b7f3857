"""EC2 key pairs, which identify the signer of a request."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass

from guestagent.secret import Secret


@dataclass(frozen=True, slots=True)
class Ec2Credential:
    """A key pair and the resource that it was made for."""

    access_key: str
    secret: Secret
    stack_id: str
    resource: str


class Ec2CredentialStore:
    """Every key pair of the cloud."""

    def __init__(self) -> None:
        self._pairs: dict[str, Ec2Credential] = {}

    def create(self, stack_id: str, resource: str) -> Ec2Credential:
        credential = Ec2Credential(uuid.uuid4().hex, Secret(secrets.token_hex(16)), stack_id, resource)
        self._pairs[credential.access_key] = credential
        return credential

    def find(self, access_key: str) -> Ec2Credential | None:
        return self._pairs.get(access_key)

    def revoke(self, access_key: str) -> None:
        self._pairs.pop(access_key, None)
