"""An entry in a clouds.yaml, written and removed without a change to other entries and comments."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError
from ruamel.yaml.util import load_yaml_guess_indent

from guestagent import atomic_file
from guestagent.errors import InvalidSettings, Problem
from guestagent.yaml_aliases import ALIAS_LIMIT_CHARACTERS, AliasLimitingLoader, TooManyAliases

LINE_LENGTH_LIMIT = 10_000  # never wrap a line of the user's
DEFAULT_INDENT = 2


def find_clouds_file() -> Path:
    """Return the file that openstacksdk reads first if there is none in the current folder."""
    path = os.environ.get("OS_CLIENT_CONFIG_FILE")
    return Path(path) if path else Path.home() / ".config" / "openstack" / "clouds.yaml"


def build_entry(auth_url: str, username: str, password: str, project: str, region: str) -> dict[str, object]:
    """Build the entry of a cloud, which is also the arguments of `openstack.connect`. It holds the password."""
    auth = {
        "auth_url": auth_url,
        "username": username,
        "password": password,
        "project_name": project,
        "user_domain_id": "default",
        "project_domain_id": "default",
    }
    return {"auth": auth, "region_name": region, "identity_api_version": "3"}


def write_entry(path: Path, name: str, entry: Mapping[str, object]) -> None:
    """Write the entry, in place of one of the same name. The file is 0600 from then on: it holds a password."""
    atomic_file.write_file(path, insert_entry_text(_read_text(path), name, entry).encode())


def remove_entry(path: Path, name: str) -> None:
    """Remove the entry. A file that holds nothing else is removed too."""
    text = _read_text(path)
    remaining_text = delete_entry_text(text, name)
    if remaining_text == text:
        return
    if not any(_load_values(remaining_text).values()):
        atomic_file.remove_file(path)
    else:
        atomic_file.write_file(path, remaining_text.encode())


def insert_entry_text(text: str, name: str, entry: Mapping[str, object]) -> str:
    """Return the file's text with the entry in it, before the others: comments behind the last one stay there."""
    text = delete_entry_text(text, name)
    values = _load_values(text)
    clouds = values.get("clouds") or {}
    if not isinstance(clouds, dict):
        raise InvalidSettings([Problem("clouds", "a mapping", type(clouds).__name__)], "clouds.yaml")
    expected = {**values, "clouds": {name: dict(entry), **clouds}}
    editor, document = _open_document(text)
    if not isinstance(document.get("clouds"), CommentedMap):
        document["clouds"] = CommentedMap()
    document["clouds"].insert(0, name, _build_node(entry))
    return _dump_checked(editor, document, expected)


def delete_entry_text(text: str, name: str) -> str:
    """Return the file's text without the entry."""
    values = _load_values(text)
    clouds = values.get("clouds")
    if not isinstance(clouds, dict) or name not in clouds:
        return text
    expected = {**values, "clouds": {key: value for key, value in clouds.items() if key != name}}
    editor, document = _open_document(text)
    del document["clouds"][name]
    return _dump_checked(editor, document, expected)


def _dump_checked(editor: YAML, document: CommentedMap, expected: Mapping[str, object]) -> str:
    """Return the document's text. If openstacksdk would read other values from it, comments are given up."""
    stream = io.StringIO()
    editor.dump(document, stream)
    try:
        if _load_values(stream.getvalue()) == expected:
            return stream.getvalue()
    except InvalidSettings:
        pass
    return _dump_values(expected)


def _build_node(entry: Mapping[str, object]) -> object:
    """Build the entry with the quotes that PyYAML needs: openstacksdk reads YAML 1.1, and ruamel writes 1.2."""
    return _open_document(_dump_values(entry))[1]


def _open_document(text: str) -> tuple[YAML, CommentedMap]:
    """Load the text together with an editor that keeps its quotes and its indentation."""
    editor = YAML()
    editor.preserve_quotes = True
    editor.allow_duplicate_keys = True
    editor.width = LINE_LENGTH_LIMIT
    try:
        document = editor.load(text)
    except YAMLError as error:
        raise InvalidSettings([Problem("document", "YAML", str(error))], "clouds.yaml") from error
    if not isinstance(document, CommentedMap):
        document = CommentedMap()
    clouds = document.get("clouds")
    is_block = isinstance(clouds, CommentedMap) and not clouds.fa.flow_style()
    editor.map_indent = clouds.lc.col if is_block else DEFAULT_INDENT
    with suppress(IndexError, YAMLError):  # a dash alone in its line, or a key twice: ruamel guesses nothing
        _, sequence_indent, dash_offset = load_yaml_guess_indent(text)
        if dash_offset is not None:
            editor.sequence_indent, editor.sequence_dash_offset = sequence_indent, dash_offset
    return editor, document


def _load_values(text: str) -> dict[str, object]:
    try:
        document = yaml.load(text, Loader=AliasLimitingLoader) or {}  # noqa: S506 - a SafeLoader
    except TooManyAliases as error:
        expected = f"aliases that repeat at most {ALIAS_LIMIT_CHARACTERS} characters"
        raise InvalidSettings([Problem("document", expected, "more")], "clouds.yaml") from error
    except yaml.YAMLError as error:
        raise InvalidSettings([Problem("document", "YAML", str(error))], "clouds.yaml") from error
    except RecursionError:
        raise InvalidSettings([Problem("document", "YAML", "nested too deep")], "clouds.yaml") from None
    except ValueError as error:  # for example a date that does not exist
        raise InvalidSettings(
            [Problem("document", "YAML", "a value that cannot be read")], "clouds.yaml"
        ) from error
    if not isinstance(document, dict):
        raise InvalidSettings([Problem("document", "a mapping", type(document).__name__)], "clouds.yaml")
    return document


def _dump_values(document: Mapping[str, object]) -> str:
    return str(yaml.safe_dump(dict(document), sort_keys=False, default_flow_style=False))


def _read_text(path: Path) -> str:
    try:
        return (atomic_file.read_file(path) or b"").decode()
    except UnicodeDecodeError as error:
        problem = f"bytes that are not UTF-8, from byte {error.start}"
        raise InvalidSettings([Problem("document", "a text", problem)], str(path)) from None
