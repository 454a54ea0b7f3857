"""Strict reading of what people and controllers write: every problem at once, each with its path."""

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


def describe_type(value: object) -> str:
    """What a value is, in words; never the value itself, which may be a secret."""
    return TYPE_NAMES.get(type(value), f"a {type(value).__name__}")


@dataclass(slots=True)
class Problems:
    """Collects problems while a document is read; `raise_if_any` ends the reading."""

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
    """A value under reading and its path. A reader returns None where the value is wrong, having said so."""

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
        """A mapping whose keys are all strings."""
        if not isinstance(self.value, dict):
            return self.add_problem("a mapping")
        strange = [key for key in self.value if not isinstance(key, str)]
        if strange:
            return self.add_problem("a mapping with strings as keys", f"{describe_type(strange[0])} as a key")
        return self.value

    def read_known_keys(self, allowed: frozenset[str]) -> dict[str, object] | None:
        """A mapping that holds no key but the allowed ones; a stranger is named with its nearest neighbour."""
        mapping = self.read_mapping()
        for key in mapping or ():
            if key not in allowed:
                near = get_close_matches(key, sorted(allowed), n=1, cutoff=0.6)
                neighbours = f"did you mean {near[0]}?" if near else ""
                self.get_child(key, None).add_problem(
                    f"one of {', '.join(sorted(allowed))}", "an unknown key", neighbours
                )
        return mapping

    def read_items(self) -> Iterator[Cursor]:
        """The elements of a list, each with its path; nothing (and a problem) where it is no list."""
        if not isinstance(self.value, list):
            self.add_problem("a list")
            return
        for index, element in enumerate(self.value):
            yield self.get_child(index, element)

    def read_string(self, most: int | None = None) -> str | None:
        """A string that is not empty, of at most `most` characters."""
        if not isinstance(self.value, str):
            return self.add_problem("a string")
        if not self.value:
            return self.add_problem("a string that is not empty", "an empty one")
        if most is not None and len(self.value) > most:
            return self.add_problem(f"at most {most} characters", f"{len(self.value)}")
        return self.value

    def read_integer(self, least: int, most: int) -> int | None:
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            return self.add_problem(f"an integer from {least} to {most}")
        if not least <= self.value <= most:
            # Python refuses to spell integers of thousands of digits.
            found = str(self.value) if abs(self.value) < 10**20 else "one of more than 20 digits"
            return self.add_problem(f"an integer from {least} to {most}", found)
        return self.value

    def read_boolean(self) -> bool | None:
        if not isinstance(self.value, bool):
            return self.add_problem("true or false")
        return self.value
