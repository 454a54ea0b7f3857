"""What a server's metadata say of its instance beside the mark: facts of which nothing else in the cloud tells. Pure.

A lost store is rebuilt from them. They are written by the request that creates the server, and never change.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.resources.natives.marks import METADATA_PREFIX
from guestagent.resources.wanted import WantedCluster, WantedInstance

DIGEST_LENGTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceFacts:
    """The facts of a server; None or "": a server of an earlier release does not have them.

    `settings` is the digest of its cluster's settings, `key_id` the key by which it was told its first address, and
    `zone` the availability zone that was ordered ("": none).
    """

    server_id: int | None = None
    settings: str = ""
    key_id: str = ""
    zone: str = ""


def build_facts(wanted: WantedCluster, instance: WantedInstance) -> dict[str, str]:
    """Return the facts as metadata of the instance's server."""
    values = {
        "server-id": str(instance.server_id),
        "settings": compute_settings_digest(wanted.settings),
        "key": wanted.key_id,
        "zone": instance.zone or "",
    }
    return {METADATA_PREFIX + name: value for name, value in values.items()}


def parse_facts(metadata: Mapping[str, str]) -> InstanceFacts:
    """Return the facts in a server's metadata."""
    server_id = metadata.get(f"{METADATA_PREFIX}server-id", "")
    is_number = server_id.isascii() and server_id.isdigit() and len(server_id) <= 10
    return InstanceFacts(
        server_id=int(server_id) if is_number else None,
        settings=metadata.get(f"{METADATA_PREFIX}settings", ""),
        key_id=metadata.get(f"{METADATA_PREFIX}key", ""),
        zone=metadata.get(f"{METADATA_PREFIX}zone", ""),
    )


def compute_settings_digest(settings: Mapping[str, object]) -> str:
    """Return a digest of the settings of a cluster: equal settings have equal ones."""
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]
