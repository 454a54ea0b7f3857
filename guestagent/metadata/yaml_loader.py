"""Loads YAML as Heat reads it (a date stays a string), or JSON."""

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
from guestagent.strict_json import is_too_deep
from guestagent.yaml_aliases import ALIAS_LIMIT_CHARACTERS, AliasLimitingLoader, TooManyAliases

ALIAS_DEPTH_LIMIT = 200
"""Levels of a text with aliases, which make it deeper than it is written."""
JSON_START = re.compile(r'\s*\{\s*"')
_QUOTED = r"""'!.*'|'(?!<)\S{2,}'|"!.*\""""


def load_yaml(text: str | bytes, where: str = "") -> object:
    """Load the text. Raise InvalidMetadata, with the position, if it is invalid or has a key twice in one mapping.

    So is a text whose aliases repeat too much.
    """
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")
        return _load(decoded)
    except UnicodeDecodeError as error:
        fault = f"bytes that are not UTF-8, from byte {error.start}"
    except TooManyAliases as error:
        expected = f"aliases that repeat at most {ALIAS_LIMIT_CHARACTERS} characters"
        problem = Problem("document", expected, f"more{_format_position(error)}", "write the values out")
        raise InvalidMetadata([problem], where) from error
    except yaml.MarkedYAMLError as error:
        # A quoted word may be a password that looks like an alias or a tag.
        reason = re.sub(_QUOTED, "(not shown)", str(error.problem or error.context or "something else"))
        fault = f"{reason}{_format_position(error)}"
    except ReaderError as error:
        fault = f"a character that is not allowed, at character {error.position + 1}"
    except json.JSONDecodeError as error:
        fault = f"{error.msg} at line {error.lineno}, column {error.colno}"
    except _DuplicateKey as error:
        expected, advice = "each key once in a mapping", error.first
        raise InvalidMetadata([Problem("document", expected, str(error), advice)], where) from error
    except RecursionError:
        fault = "lists or mappings that are nested too deep"
    except ValueError:  # Python's own limit for the digits of a number in JSON
        fault = "a number that is too long"
    raise InvalidMetadata([Problem("document", "YAML or JSON", fault)], where)


def _load(text: str) -> object:
    if text.lstrip().startswith(("{", "[")):
        try:
            return json.loads(text, object_pairs_hook=_build_unique_mapping)
        except json.JSONDecodeError as error:
            return _load_flow(text, error)
        except _DuplicateKey:
            # Only YAML's parser has line numbers. YAML allows no tabs, and JSON none within a string.
            with suppress(yaml.YAMLError):
                _load_yaml(text.replace("\t", " "))
            raise
    return _load_yaml(text)


def _load_flow(text: str, error: json.JSONDecodeError) -> object:
    """Load YAML with braces or brackets. If it begins like JSON, raise the error of JSON, which is clearer."""
    try:
        return _load_yaml(text)
    except yaml.MarkedYAMLError:
        if JSON_START.match(text):
            raise error from None
        raise


def _load_yaml(text: str) -> object:
    loader = _HeatLoader(text)
    try:
        document: object = loader.get_single_data()
    finally:
        loader.dispose()
    if loader.repeated_characters and is_too_deep(document, ALIAS_DEPTH_LIMIT):
        raise RecursionError
    return document


def _format_position(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""


class _DuplicateKey(Exception):
    """A key that is twice in one mapping. `first` is the position of the first one."""

    def __init__(self, key: str, mark: yaml.Mark | None = None, first: yaml.Mark | None = None) -> None:
        position = "" if mark is None else f" at line {mark.line + 1}, column {mark.column + 1}"
        super().__init__(f"the key {json.dumps(key[:64])} twice in one mapping{position}")
        self.first = "" if first is None else f"it is at line {first.line + 1} already"


def _build_unique_mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise _DuplicateKey(key)
        mapping[key] = value
    return mapping


class _HeatLoader(AliasLimitingLoader):
    """A loader that keeps timestamps as strings, as Heat does, and rejects a key that is twice in one mapping."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except ValueError as error:  # a number or a date that only looks like one
            raise ConstructorError(
                None, None, "a value that cannot be read (quote it)", node.start_mark
            ) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        marks: dict[tuple[str, str], yaml.Mark] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if (key.tag, key.value) in marks:
                    raise _DuplicateKey(key.value, key.start_mark, marks[key.tag, key.value])
                marks[key.tag, key.value] = key.start_mark
        return super().construct_mapping(node, deep)


def _keep_text(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> str:
    return str(node.value)


_HeatLoader.add_constructor("tag:yaml.org,2002:timestamp", _keep_text)
