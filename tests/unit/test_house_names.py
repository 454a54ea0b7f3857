"""The house rules on names of files, functions and classes, and on the sizes of files. Read from the source."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.source_tree import HOUSE, list_source_files, parse_source

TESTS = HOUSE.parent / "tests"
LINE_LIMIT = 300
PARTICIPLE_SHARE_LIMIT = 0.03
EMPTY_WORDS = {"utils", "common", "helpers", "base", "misc", "manager"}
METAPHORS = {
    *(
        "actor",
        "announcer",
        "audience",
        "bell",
        "cast",
        "ear",
        "edges",
        "ground",
        "knock",
        "mailbox",
        "mouth",
    ),
    *("parting", "play", "playing", "scene", "standing", "walk", "walking", "whisper"),
}
DOUBLE_CLASSES = frozenset[str]()
"""Classes that are the same concept behind one Protocol, so they share their name."""
IRREGULAR_PARTICIPLES = {
    *(
        "told",
        "said",
        "seen",
        "found",
        "given",
        "made",
        "kept",
        "held",
        "gone",
        "left",
        "known",
        "taken",
        "shown",
    ),
    *(
        "lost",
        "sent",
        "built",
        "met",
        "done",
        "written",
        "begun",
        "chosen",
        "driven",
        "hidden",
        "hung",
        "worn",
    ),
}
NO_PARTICIPLES = {"embed", "feed", "need", "ping", "ring", "seed", "string"}


def list_functions() -> Iterator[tuple[str, str]]:
    """Yield the file and the name of every function and method, without those that Python names."""
    for path in list_source_files():
        for node in ast.walk(parse_source(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("__"):
                yield str(path.relative_to(HOUSE)), node.name


def is_participle(function: str) -> bool:
    word = function.strip("_").split("_")[0]
    return word in IRREGULAR_PARTICIPLES or (
        bool(re.search(r"(ed|ing)$", word)) and word not in NO_PARTICIPLES
    )


def test_functions_are_not_named_by_participles() -> None:
    functions = [*list_functions()]
    named = [f"{file}: {name}" for file, name in functions if is_participle(name)]

    assert len(named) <= PARTICIPLE_SHARE_LIMIT * len(functions), "\n".join(named)


def split_words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)}


def test_files_are_named_after_their_purpose() -> None:
    forbidden = EMPTY_WORDS | METAPHORS

    assert [path.name for path in list_source_files() if split_words(path.stem) & forbidden] == []


def test_classes_and_functions_are_no_metaphors() -> None:
    named = [
        f"{path.relative_to(HOUSE)}: {node.name}"
        for path in list_source_files()
        for node in ast.walk(parse_source(path))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and split_words(node.name) & METAPHORS
    ]

    assert named == ["demo/scenario.py: play"], "the one name that the documentation has"


def test_files_of_a_room_differ_by_more_than_an_ending() -> None:
    stems: dict[tuple[Path, str], list[str]] = defaultdict(list)
    for path in list_source_files():
        stem = re.sub(r"(ation|ing|ions|ion|or|er|s|e)$", "", path.stem)
        stems[path.parent, stem].append(path.name)

    assert [files for files in stems.values() if len(files) > 1] == []


def test_no_function_is_named_like_its_own_module() -> None:
    doubled = [
        f"{path.relative_to(HOUSE)}: {node.name}"
        for path in list_source_files()
        for node in parse_source(path).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == path.stem
    ]

    assert doubled == []


def test_a_class_has_its_name_for_itself() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in list_source_files():
        for node in parse_source(path).body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(path.relative_to(HOUSE)))

    doubled = {name: files for name, files in places.items() if len(files) > 1 and name not in DOUBLE_CLASSES}

    assert doubled == {}


@pytest.mark.parametrize("path", list_source_files(), ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINE_LIMIT


def test_a_file_of_the_tests_can_be_read_in_one_sitting() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in TESTS.rglob("*.py")}

    assert lengths
    assert {
        str(path.relative_to(TESTS)): lines for path, lines in lengths.items() if lines > LINE_LIMIT
    } == {}
