"""The addresses of a node's document and handle: paths with a signature, which is the only credential. Pure.

A signature is an HMAC over everything that the address is for. Nothing about it is stored: the key alone is secret.
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

SIGNATURE_BYTES = 24
PATH_PATTERN = re.compile(r"/v1/([a-z0-9-]{1,40})/([A-Za-z0-9]{1,40})/(boot|run|signal)/([1-9][0-9]{0,8})")


class PathPurpose(str, Enum):
    """What a path is for. BOOT is in the user data: its document has the address of RUN, and nothing else."""

    BOOT = "boot"
    RUN = "run"
    SIGNAL = "signal"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class NodePath:
    """The address of one node's document (BOOT, RUN: `number` counts its servers) or handle (SIGNAL: generations)."""

    cluster: str
    instance: str
    purpose: PathPurpose
    number: int

    def __str__(self) -> str:
        return f"/v1/{self.cluster}/{self.instance}/{self.purpose}/{self.number}"


def sign_path(path: NodePath, key: bytes, cluster_id: str) -> str:
    """Return the path and its signature, as in `/v1/shop/Slave0000/run/1?Signature=...`."""
    return f"{path}?Signature={_compute_signature(path, key, cluster_id)}"


def parse_path(path: str) -> NodePath | None:
    """Return the address in a request's path, without its query; None if it is none of ours."""
    found = PATH_PATTERN.fullmatch(path)
    if found is None:
        return None
    return NodePath(found[1], found[2], PathPurpose(found[3]), int(found[4]))


def is_genuine(path: NodePath, signature: str, key: bytes, cluster_id: str) -> bool:
    """Return whether the signature is that of the path, for the cluster of this id."""
    expected = _compute_signature(path, key, cluster_id)
    return hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))


def _compute_signature(path: NodePath, key: bytes, cluster_id: str) -> str:
    digest = hmac.new(key, f"guestagent path\0{cluster_id}\0{path}".encode(), sha256).digest()
    return urlsafe_b64encode(digest[:SIGNATURE_BYTES]).decode()
