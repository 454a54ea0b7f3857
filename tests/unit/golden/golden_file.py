"""Golden files, and the functions that build their content with the product's own code."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import yaml

DATA = Path(__file__).parent / "data"
WRITTEN_BY = DATA / "written_by"
"""Files that earlier versions and people wrote. They never change, so they have no build functions."""

Build = Callable[[Path], str]
BUILDS: dict[str, Build] = {}
"""The build function of each golden file. Its argument is an empty folder to work in."""

ADVICE = """\
Other programs and later versions read this. A renamed key or value breaks them. Change it only on purpose, with a
release note and a reader of the old form. Then write the golden files again:
    python -m tests.unit.golden.update
"""


def golden(name: str) -> Callable[[Build], Build]:
    """Register the decorated function as the one that builds the golden file `name`."""

    def register(build: Build) -> Build:
        add_golden(name, build)
        return build

    return register


def add_golden(name: str, build: Build) -> None:
    """Register one more golden file."""
    assert name not in BUILDS, f"two functions build {name}"
    BUILDS[name] = build


def compare_golden(name: str, built: str) -> str:
    """Return "" if the golden file holds what was built, otherwise a message with the file's name and a diff."""
    path = DATA / name
    kept = path.read_text(encoding="utf-8") if path.exists() else ""
    if kept == built:
        return ""
    difference = difflib.unified_diff(
        kept.splitlines(keepends=True), built.splitlines(keepends=True), "the golden file", "the product now"
    )
    shown = path.relative_to(Path(__file__).parents[3])
    return f"{shown} is not what the product writes now:\n{''.join(difference)}\n{ADVICE}"


def find_golden_files() -> set[str]:
    """Return the names of all golden files, without those of `WRITTEN_BY`."""
    files = (path for path in DATA.rglob("*") if path.is_file() and WRITTEN_BY not in path.parents)
    return {path.relative_to(DATA).as_posix() for path in files}


def to_json(value: object) -> str:
    """Return a value as JSON with sorted keys: the order of keys is not part of the contract."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def to_yaml(value: object) -> str:
    """Return a value as YAML with sorted keys, without the anchors that PyYAML makes of shared parts."""
    plain = json.loads(json.dumps(value))
    return str(yaml.safe_dump(plain, sort_keys=True, allow_unicode=True, width=100))


def load_json(path: Path) -> object:
    """Load a JSON file."""
    loaded: object = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def replace_text(value: object, texts: Mapping[str, str]) -> object:
    """Replace texts that differ from run to run, such as a temporary folder. Keys are not changed."""
    if isinstance(value, dict):
        return {key: replace_text(inner, texts) for key, inner in value.items()}
    if isinstance(value, list):
        return [replace_text(inner, texts) for inner in value]
    if isinstance(value, str):
        for old, new in texts.items():
            value = value.replace(old, new)
    return value


def hide_prose(value: object, keys: Collection[str]) -> object:
    """Replace the sentences for people under these keys by `<text>`. Keys and empty texts are not changed."""
    if isinstance(value, dict):
        return {
            key: hide_text(inner) if key in keys else hide_prose(inner, keys) for key, inner in value.items()
        }
    if isinstance(value, list):
        return [hide_prose(inner, keys) for inner in value]
    return value


def hide_look_time(value: object) -> object:
    """Replace the time in a status, which differs from run to run. Its keys and types stay visible."""
    assert isinstance(value, dict)
    looked = {key: f"<{type(inner).__name__}>" for key, inner in value["looked"].items()}
    return {**value, "looked": looked}


def hide_text(value: object) -> object:
    """Replace a text, or each text of a list."""
    if isinstance(value, list):
        return [hide_text(inner) for inner in value]
    return "<text>" if isinstance(value, str) and value else value
