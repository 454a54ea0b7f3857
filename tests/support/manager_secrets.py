"""The secrets of a resource manager and its nodes, and a search for them."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

SIGNATURE_PATTERN = re.compile(r"Signature=([\w-]+)")


def list_document_secrets(documents: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each password and signature in the nodes' documents."""
    for node, document in documents.items():
        for path, value in _list_texts(document, node):
            if path.endswith("assword"):
                yield path, value
            for signature in SIGNATURE_PATTERN.findall(value):
                yield f"{path} signature", signature


def list_key_secrets(key_file: Path) -> Iterator[tuple[str, str]]:
    """Yield each key of a key file as it is there, and in hexadecimal digits."""
    for name, key in json.loads(key_file.read_text())["keys"].items():
        yield f"key {name}", key
        yield f"key {name} in hex", b64decode(key).hex()


def find_secrets(secrets: Mapping[str, str], places: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Return the name of each secret that a place holds, in clear or in base64, and the name of the place."""
    return [
        (name, place)
        for place, content in places.items()
        for name, value in secrets.items()
        if any(form in content for form in _list_forms(value.encode()))
    ]


def read_process(pid: int) -> dict[str, bytes]:
    """Return what others on the host see of a process."""
    return {name: Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")}


def read_files(paths: Iterable[Path]) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in paths if path.is_file()}


def _list_forms(value: bytes) -> Iterator[bytes]:
    """Yield the value, and what base64 makes of its middle at each of the three offsets."""
    yield value
    for offset in range(3):
        yield b64encode(b" " * offset + value)[4:-4]


def _list_texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, child in value.items():
            yield from _list_texts(child, f"{path}.{key}")
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from _list_texts(child, f"{path}.{number}")
