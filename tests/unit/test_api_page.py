"""The page of the Python API lists the public names of the library, and their members."""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest

import guestagent.controller as library

FILE = Path(__file__).parents[2] / "docs/reference/python-api.md"
PAGE = re.sub(r"^```.*?^```$", "", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
"""Without its programs."""
CODE = re.compile(r"`([^`]+)`")
WORD = re.compile(r"[A-Za-z_]\w*")


def words_in(text: str) -> set[str]:
    """Return every name that occurs in the code of a text."""
    return {word for code in CODE.findall(text) for word in WORD.findall(code)}


def read_description(name: str) -> str:
    """Return the section of a class, or its row."""
    section = re.search(rf"^## {name}\n.*?(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    found = section or re.search(rf"^\| `{name}` \|.*$", PAGE, re.MULTILINE)
    return found[0] if found else ""


def list_members(public: type) -> Iterator[str]:
    if issubclass(public, enum.Enum):
        yield from public.__members__
        return
    if is_dataclass(public):
        yield from (field.name for field in fields(public))
    yield from (name for name in vars(public) if not name.startswith("_"))


def test_every_public_name_is_on_the_page() -> None:
    assert [name for name in library.__all__ if name not in words_in(PAGE)] == []


@pytest.mark.parametrize(
    "name", [name for name in library.__all__ if inspect.isclass(getattr(library, name))]
)
def test_every_member_of_a_class_is_in_its_description(name: str) -> None:
    if name == "FakeHeat":  # it has the methods of Heat, which are described there
        members = {member for member in vars(library.FakeHeat()) if not member.startswith("_")}
        description = read_description("Heat")
    else:
        members = set(list_members(getattr(library, name)))
        description = read_description(name)

    assert members - words_in(description) == set()


def test_every_name_in_the_first_column_exists() -> None:
    named = re.findall(r"^\| `(\w+)\(", read_description("Functions"), re.MULTILINE)

    assert named
    assert [name for name in named if name not in library.__all__] == []
