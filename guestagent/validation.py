"""Strict validation of input from people and controllers, which reports all problems at once, each with its path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from guestagent.errors import InvalidInput, Problem

TYPE_NAMES: Mapping[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    list: "a list",
    dict: "a mapping",
    type(None): "nothing",
}
COMPARED_LENGTH_LIMIT = 100
COMPARED_KEYS_LIMIT = 100
"""Unknown keys that are compared with the known ones: a comparison takes 0.1 ms, and an attacker can send thousands."""


def describe_type(value: object) -> str:
    """Return the type of a value in words; never the value itself, which may be a secret."""
    return TYPE_NAMES.get(type(value), f"a {type(value).__name__}")


def _ask_for_similar(key: str, allowed: frozenset[str]) -> str:
    similar_keys = get_close_matches(key, sorted(allowed), n=1, cutoff=0.6)
    return f"did you mean {similar_keys[0]}?" if similar_keys else ""


@dataclass(slots=True)
class Problems:
    """The problems of a document, collected while it is read; `raise_if_any` is called at the end."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, path: str, expected: str, found: str, do: str = "") -> None:
        self.problems.append(Problem(path or "document", expected, found, do))

    def raise_if_any(self, error: type[InvalidInput], where: str = "") -> None:
        if self.problems:
            raise error(self.problems, where)

    def open_cursor(self, value: object, path: str = "") -> Cursor:
        return Cursor(value, path, self)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A value of the document and its path. A reader adds a problem and returns None if the value is invalid."""

    value: object
    path: str
    problems: Problems

    def add_problem(self, expected: str, found: str | None = None, do: str = "") -> None:
        self.problems.add(self.path, expected, describe_type(self.value) if found is None else found, do)

    def get_child(self, key: str | int, value: object) -> Cursor:
        if isinstance(key, int):
            return Cursor(value, f"{self.path}[{key}]", self.problems)
        return Cursor(value, f"{self.path}.{key}" if self.path else key, self.problems)

    def read_mapping(self) -> dict[str, object] | None:
        """Return a mapping whose keys are all strings."""
        if not isinstance(self.value, dict):
            return self.add_problem("a mapping")
        other_keys = [key for key in self.value if not isinstance(key, str)]
        if other_keys:
            return self.add_problem(
                "a mapping with strings as keys", f"{describe_type(other_keys[0])} as a key"
            )
        return self.value

    def read_known_keys(self, allowed: frozenset[str]) -> dict[str, object] | None:
        """Return a mapping that has only allowed keys. The problem of an unknown key names the most similar one."""
        mapping = self.read_mapping()
        for key in mapping or ():
            if key not in allowed:
                question = "" if self._is_costly(key) else _ask_for_similar(key, allowed)
                self.get_child(key, None).add_problem(
                    f"one of {', '.join(sorted(allowed))}", "an unknown key", question
                )
        return mapping

    def _is_costly(self, key: str) -> bool:
        """Return whether the search for a similar key would take long: it is no typing error, or one of too many."""
        return len(key) > COMPARED_LENGTH_LIMIT or len(self.problems.problems) >= COMPARED_KEYS_LIMIT

    def read_items(self) -> Iterator[Cursor]:
        """Yield the elements of a list, each with its path; nothing, and a problem, if the value is not a list."""
        if not isinstance(self.value, list):
            self.add_problem("a list")
            return
        for index, element in enumerate(self.value):
            yield self.get_child(index, element)

    def read_string(self, max_length: int | None = None) -> str | None:
        """Return a string that is not empty and has at most `max_length` characters."""
        if not isinstance(self.value, str):
            return self.add_problem("a string")
        if not self.value:
            return self.add_problem("a string that is not empty", "an empty one")
        if max_length is not None and len(self.value) > max_length:
            return self.add_problem(f"at most {max_length} characters", f"{len(self.value)}")
        return self.value

    def read_integer(self, minimum: int, maximum: int) -> int | None:
        expected = f"an integer from {minimum} to {maximum}"
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            return self.add_problem(expected)
        if not minimum <= self.value <= maximum:
            # Python refuses to format integers of thousands of digits.
            found = str(self.value) if abs(self.value) < 10**20 else "one of more than 20 digits"
            return self.add_problem(expected, found)
        return self.value

    def read_boolean(self) -> bool | None:
        if not isinstance(self.value, bool):
            return self.add_problem("true or false")
        return self.value
