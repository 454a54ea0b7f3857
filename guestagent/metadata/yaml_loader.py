"""Text to plain values: YAML as Heat reads it (a date stays a string), or JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from contextlib import suppress
from typing import Any

import yaml
from yaml.constructor import ConstructorError
from yaml.reader import ReaderError

from guestagent.errors import InvalidMetadata, Problem

JSON_START = re.compile(r'\s*\{\s*"')
_QUOTED = r"""'(?!<)[^']{2,}'|"!.*\""""


def load_yaml(text: str | bytes, where: str = "") -> object:
    """What the text says. InvalidMetadata, with the place, where it cannot be read or says one key twice."""
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")
        return _load(decoded)
    except UnicodeDecodeError as error:
        found = f"bytes that are not UTF-8, from byte {error.start}"
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        # A quoted word may be a password that only looks like an alias or a tag.
        told = re.sub(_QUOTED, "(not shown)", str(error.problem or error.context or "something else"))
        found = f"{told}{place}"
    except ReaderError as error:
        found = f"a character that no text may hold, at character {error.position + 1}"
    except json.JSONDecodeError as error:
        found = f"{error.msg} at line {error.lineno}, column {error.colno}"
    except _Twice as error:
        expected, do = "each key once in a mapping", error.first
        raise InvalidMetadata([Problem("document", expected, str(error), do)], where) from error
    except RecursionError:
        found = "lists or mappings that are nested too deep"
    except ValueError:  # Python's own limit for the digits of a number in JSON
        found = "a number that is too long"
    raise InvalidMetadata([Problem("document", "YAML or JSON", found)], where)


def _load(text: str) -> object:
    if text.lstrip().startswith(("{", "[")):
        try:
            return json.loads(text, object_pairs_hook=_unique)
        except json.JSONDecodeError as error:
            return _load_flow(text, error)
        except _Twice:
            # JSON's parser keeps no lines, YAML's does. YAML admits no tabs, and a string in JSON holds none.
            with suppress(yaml.YAMLError):
                _load_yaml(text.replace("\t", " "))
            raise
    return _load_yaml(text)


def _load_flow(text: str, error: json.JSONDecodeError) -> object:
    """Load what is no JSON. YAML has braces and brackets too; JSON's error is better if the text begins as JSON."""
    try:
        return _load_yaml(text)
    except yaml.MarkedYAMLError:
        if JSON_START.match(text):
            raise error from None
        raise


def _load_yaml(text: str) -> object:
    return yaml.load(text, _HeatLoader)  # noqa: S506 - it is a SafeLoader


class _Twice(Exception):
    """A key that stands twice in one mapping. `first` says where it stands for the first time."""

    def __init__(self, key: str, mark: yaml.Mark | None = None, first: yaml.Mark | None = None) -> None:
        place = "" if mark is None else f" at line {mark.line + 1}, column {mark.column + 1}"
        super().__init__(f"the key {json.dumps(key[:64])} twice in one mapping{place}")
        self.first = "" if first is None else f"it stands at line {first.line + 1} already"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise _Twice(key)
        mapping[key] = value
    return mapping


class _HeatLoader(yaml.SafeLoader):
    """Timestamps are strings, as in Heat; a key that stands twice in one mapping is an error."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError as error:  # a number or a date that only looks like one
            raise ConstructorError(
                None, None, "a value that cannot be read (quote it)", node.start_mark
            ) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: dict[tuple[str, str], yaml.Mark] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if (key.tag, key.value) in seen:
                    raise _Twice(key.value, key.start_mark, seen[key.tag, key.value])
                seen[key.tag, key.value] = key.start_mark
        return super().construct_mapping(node, deep)


def _as_written(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    return str(node.value)


_HeatLoader.add_constructor("tag:yaml.org,2002:timestamp", _as_written)
