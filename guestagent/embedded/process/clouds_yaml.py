"""An entry in a clouds.yaml: put in and taken out with every other entry, and every comment, left as they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import yaml

from guestagent import atomic_file
from guestagent.errors import InvalidSettings, Problem


def find_clouds_file() -> Path:
    """The file that openstacksdk reads first where nothing lies in the current folder."""
    named = os.environ.get("OS_CLIENT_CONFIG_FILE")
    return Path(named) if named else Path.home() / ".config" / "openstack" / "clouds.yaml"


def write_entry(path: Path, name: str, entry: Mapping[str, object]) -> None:
    """Write the entry, in place of one of the same name. The file is 0600 from then on: it holds a password."""
    text = _read(path)
    atomic_file.write_file(path, insert_entry_text(text, name, entry).encode())


def remove_entry(path: Path, name: str) -> None:
    """Take the entry out; a file that holds nothing else goes too."""
    text = _read(path)
    left = delete_entry_text(text, name)
    if left == text:
        return
    if not any(_load(left).values()):
        atomic_file.remove_file(path)
    else:
        atomic_file.write_file(path, left.encode())


def insert_entry_text(text: str, name: str, entry: Mapping[str, object]) -> str:
    """The file's text with the entry in it. Comments stay wherever the text allows it to be edited as text."""
    before = delete_entry_text(text, name)
    document = _load(before)
    clouds = document.get("clouds") or {}
    if not isinstance(clouds, dict):
        raise InvalidSettings([Problem("clouds", "a mapping", type(clouds).__name__)], "clouds.yaml")
    wanted = {**document, "clouds": {**clouds, name: dict(entry)}}
    lines = before.splitlines()
    if "clouds:" in lines:
        at = lines.index("clouds:") + 1
        block = _dump({name: dict(entry)}).splitlines()
        indent = _indent(lines[at:]) or "  "
        edited = "\n".join([*lines[:at], *(indent + line for line in block), *lines[at:]]) + "\n"
        if _holds(edited, wanted):
            return edited
    return _dump(wanted)


def delete_entry_text(text: str, name: str) -> str:
    """The file's text without the entry."""
    document = _load(text)
    clouds = document.get("clouds")
    if not isinstance(clouds, dict) or name not in clouds:
        return text
    left = {**document, "clouds": {key: value for key, value in clouds.items() if key != name}}
    edited = "".join(_cut(text.splitlines(keepends=True), f"{name}:"))
    return edited if _holds(edited, left) else _dump(left)


def _cut(lines: list[str], key: str) -> list[str]:
    """The lines without the block that begins with `key`: up to the next line that is indented no deeper."""
    kept: list[str] = []
    depth: int | None = None
    for line in lines:
        here = len(line) - len(line.lstrip())
        if depth is not None and line.strip() and here <= depth:
            depth = None
        if depth is None and here > 0 and line.strip() == key:
            depth = here
        if depth is None:
            kept.append(line)
    return kept


def _indent(lines: list[str]) -> str:
    first = next((line for line in lines if line.strip() and not line.lstrip().startswith("#")), "")
    return first[: len(first) - len(first.lstrip())]


def _holds(text: str, wanted: Mapping[str, object]) -> bool:
    try:
        found = _load(text)
    except InvalidSettings:
        return False
    return {**found, "clouds": found.get("clouds") or {}} == wanted


def _load(text: str) -> dict[str, object]:
    try:
        document = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise InvalidSettings([Problem("document", "YAML", str(error))], "clouds.yaml") from error
    except RecursionError:
        raise InvalidSettings([Problem("document", "YAML", "nested too deep")], "clouds.yaml") from None
    except ValueError as error:  # a date that is none, say
        raise InvalidSettings(
            [Problem("document", "YAML", "a value that cannot be read")], "clouds.yaml"
        ) from error
    if not isinstance(document, dict):
        raise InvalidSettings([Problem("document", "a mapping", type(document).__name__)], "clouds.yaml")
    return document


def _dump(document: Mapping[str, object]) -> str:
    return str(yaml.safe_dump(dict(document), sort_keys=False, default_flow_style=False))


def _read(path: Path) -> str:
    try:
        return (atomic_file.read_file(path) or b"").decode()
    except UnicodeDecodeError as error:
        found = f"bytes that are not UTF-8, from byte {error.start}"
        raise InvalidSettings([Problem("document", "a text", found)], str(path)) from None
