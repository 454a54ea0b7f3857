"""What the value of a server variable may be: one kind both judges a value and says its JSON Schema. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from guestagent.metadata.characters import END

MIB = 2**20
BIGGEST = 2**63 - 1
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
ON, OFF = frozenset({"1", "ON", "TRUE"}), frozenset({"0", "OFF", "FALSE"})
Schema = dict[str, Any]

Value = str | int | bool
DECIMAL = r"[0-9]{1,9}(\.[0-9]{1,6})?"
NAME = r"[A-Za-z0-9_.:*,-]{0,255}"


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number; with `size` also `8G`, `512M` and the like."""

    least: int
    most: int
    size: bool = False

    @property
    def wanted(self) -> str:
        what = "a size in bytes (or 512M, 8G and the like)" if self.size else "an integer"
        return f"{what} from {self.least} to {self.most}"

    def text(self, value: Value) -> str | None:
        """As an option file and a server spell it; None where it is none."""
        if isinstance(value, bool):
            return None
        found = re.fullmatch(r"(-?[0-9]{1,19})([KMGT]?)", str(value).upper())
        if found is None or (found[2] and not self.size):
            return None
        number = int(found[1]) * UNITS[found[2]]
        return str(number) if self.least <= number <= self.most else None

    def schema(self) -> Schema:
        digits = "^-?[0-9]{1,19}" + ("[KMGTkmgt]?" if self.size else "") + END
        number = {"type": "integer", "minimum": self.least, "maximum": self.most}
        return {"anyOf": [number, _matching(digits) | {"$comment": "the same range"}]}


@dataclass(frozen=True, slots=True)
class Decimal:
    """A number that may have a fraction; a document gives one as a string."""

    most: int
    wanted: str = "a number (one with a fraction in quotes)"

    def text(self, value: Value) -> str | None:
        if isinstance(value, bool) or not re.fullmatch(DECIMAL, str(value)):
            return None
        return f"{float(value):.6f}" if float(value) <= self.most else None

    def schema(self) -> Schema:
        number = {"type": "integer", "minimum": 0, "maximum": self.most}
        return {"anyOf": [number, _matching(f"^{DECIMAL}{END}") | {"$comment": "the same range"}]}


@dataclass(frozen=True, slots=True)
class Flag:
    wanted: str = "true or false"

    def text(self, value: Value) -> str | None:
        said = str(int(value) if isinstance(value, bool) else value).upper()
        return "ON" if said in ON else "OFF" if said in OFF else None

    def schema(self) -> Schema:
        words = _matching(f"^({'|'.join(_any_case(word) for word in sorted(ON | OFF))}){END}")
        return {"anyOf": [{"type": "boolean"}, {"enum": [0, 1]}, words]}


@dataclass(frozen=True, slots=True)
class Words:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def wanted(self) -> str:
        return " or ".join(self.words)

    def text(self, value: Value) -> str | None:
        return next((word for word in self.words if word.upper() == str(value).upper()), None)

    def schema(self) -> Schema:
        return _matching(f"^({'|'.join(map(_any_case, self.words))}){END}")


@dataclass(frozen=True, slots=True)
class Name:
    """A word, or several with commas between: nothing that an option file could read as something else."""

    wanted: str = "letters, digits and _.:*,-"

    def text(self, value: Value) -> str | None:
        return value if isinstance(value, str) and re.fullmatch(NAME, value) else None

    def schema(self) -> Schema:
        return _matching(f"^{NAME}{END}")


Kind = Number | Decimal | Flag | Words | Name


def _matching(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern}


def _any_case(word: str) -> str:
    """A schema's patterns have no flag for it."""
    return "".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else c for c in word)
