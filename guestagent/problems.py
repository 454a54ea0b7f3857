"""Strict reading of what people and controllers write: every problem at once, each with its path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from guestagent.errors import InvalidInput, Problem

NAMES: Mapping[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    list: "a list",
    dict: "a mapping",
    type(None): "nothing",
}


def kind(value: object) -> str:
    """What a value is, in words; never the value itself, which may be a secret."""
    return NAMES.get(type(value), f"a {type(value).__name__}")


@dataclass(slots=True)
class Problems:
    """Collects problems while a document is read; `raise_if_any` ends the reading."""

    found: list[Problem] = field(default_factory=list)

    def add(self, path: str, expected: str, found: str, do: str = "") -> None:
        self.found.append(Problem(path or "document", expected, found, do))

    def raise_if_any(self, error: type[InvalidInput], where: str = "") -> None:
        if self.found:
            raise error(self.found, where)

    def cursor(self, value: object, path: str = "") -> Cursor:
        return Cursor(value, path, self)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A value under reading and its path. A reader returns None where the value is wrong, having said so."""

    value: object
    path: str
    problems: Problems

    def wrong(self, expected: str, found: str | None = None, do: str = "") -> None:
        self.problems.add(self.path, expected, kind(self.value) if found is None else found, do)

    def child(self, key: str | int, value: object) -> Cursor:
        if isinstance(key, int):
            return Cursor(value, f"{self.path}[{key}]", self.problems)
        return Cursor(value, f"{self.path}.{key}" if self.path else key, self.problems)

    def mapping(self) -> dict[str, object] | None:
        """A mapping whose keys are all strings."""
        if not isinstance(self.value, dict):
            return self.wrong("a mapping")
        strange = [key for key in self.value if not isinstance(key, str)]
        if strange:
            return self.wrong("a mapping with strings as keys", f"{kind(strange[0])} as a key")
        return self.value

    def known(self, allowed: frozenset[str]) -> dict[str, object] | None:
        """A mapping that holds no key but the allowed ones; a stranger is named with its nearest neighbour."""
        mapping = self.mapping()
        for key in mapping or ():
            if key not in allowed:
                near = get_close_matches(key, sorted(allowed), n=1, cutoff=0.6)
                neighbours = f"did you mean {near[0]}?" if near else ""
                self.child(key, None).wrong(
                    f"one of {', '.join(sorted(allowed))}", "an unknown key", neighbours
                )
        return mapping

    def items(self) -> Iterator[Cursor]:
        """The elements of a list, each with its path; nothing (and a problem) where it is no list."""
        if not isinstance(self.value, list):
            self.wrong("a list")
            return
        for index, element in enumerate(self.value):
            yield self.child(index, element)

    def string(self, most: int | None = None) -> str | None:
        """A string that is not empty, of at most `most` characters."""
        if not isinstance(self.value, str):
            return self.wrong("a string")
        if not self.value:
            return self.wrong("a string that is not empty", "an empty one")
        if most is not None and len(self.value) > most:
            return self.wrong(f"at most {most} characters", f"{len(self.value)}")
        return self.value

    def integer(self, least: int, most: int) -> int | None:
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            return self.wrong(f"an integer from {least} to {most}")
        if not least <= self.value <= most:
            # Python refuses to spell integers of thousands of digits.
            found = str(self.value) if abs(self.value) < 10**20 else "one of more than 20 digits"
            return self.wrong(f"an integer from {least} to {most}", found)
        return self.value

    def boolean(self) -> bool | None:
        if not isinstance(self.value, bool):
            return self.wrong("true or false")
        return self.value
