"""The file of the key ring: a secret like the key of a CA. Without it no node can be told anything any more."""

from __future__ import annotations

import json
import stat
from base64 import b64decode, b64encode
from pathlib import Path

from guestagent.atomic_file import read_file, write_file
from guestagent.errors import StorageError
from guestagent.resources.endpoint.key_ring import KEY_BYTES, KeyRing


def write_key_file(path: Path, ring: KeyRing) -> None:
    """Replace the file, readable by its owner alone."""
    keys = {key_id: b64encode(key).decode() for key_id, key in ring.keys.items()}
    write_file(path, json.dumps({"version": 1, "newest": ring.newest, "keys": keys}).encode())


def read_key_file(path: Path) -> KeyRing | None:
    """Read the file; None if there is none. Raise StorageError if it is damaged, or if other users can read it."""
    content = read_file(path)
    if content is None:
        return None
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise StorageError(f"{path}: other users can read the keys; run chmod 600 {path}")
    try:
        document = json.loads(content)
        keys = {str(name): b64decode(text, validate=True) for name, text in document["keys"].items()}
        ring = KeyRing(str(document["newest"]), keys)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StorageError(f"{path}: not a key file; put it back from its backup") from None
    if ring.newest not in keys or any(len(key) != KEY_BYTES for key in keys.values()):
        raise StorageError(f"{path}: a key is incomplete or missing; put the file back from its backup")
    return ring
