"""Types of server variables: each checks and formats a value, and builds its JSON Schema. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from guestagent.metadata.regex_fragments import END

SIZE_LIMIT = 2**63 - 1
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
ON_WORDS, OFF_WORDS = frozenset({"1", "ON", "TRUE"}), frozenset({"0", "OFF", "FALSE"})
Schema = dict[str, Any]

VariableValue = str | int | bool
DECIMAL_PATTERN = r"[0-9]{1,9}(\.[0-9]{1,6})?"
NAME_PATTERN = r"[A-Za-z0-9_.:*,-]{0,255}"


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number; if it `allows_units`, also `8G`, `512M` and the like."""

    minimum: int
    maximum: int
    allows_units: bool = False

    @property
    def expected(self) -> str:
        description = "a size in bytes (or 512M, 8G and the like)" if self.allows_units else "an integer"
        return f"{description} from {self.minimum} to {self.maximum}"

    def format_value(self, value: VariableValue) -> str | None:
        """Return the value as an option file and a server spell it; None if it is not valid."""
        if isinstance(value, bool):
            return None
        match = re.fullmatch(r"(-?[0-9]{1,19})([KMGT]?)", str(value).upper())
        if match is None or (match[2] and not self.allows_units):
            return None
        number = int(match[1]) * UNITS[match[2]]
        return str(number) if self.minimum <= number <= self.maximum else None

    def build_schema(self) -> Schema:
        digits = "^-?[0-9]{1,19}" + ("[KMGTkmgt]?" if self.allows_units else "") + END
        number = {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}
        return {"anyOf": [number, _matching(digits) | {"$comment": "the same range"}]}


@dataclass(frozen=True, slots=True)
class Decimal:
    """A number that may have a fraction, which is a string in a document."""

    maximum: int
    expected: str = "a number (one with a fraction in quotes)"

    def format_value(self, value: VariableValue) -> str | None:
        if isinstance(value, bool) or not re.fullmatch(DECIMAL_PATTERN, str(value)):
            return None
        return f"{float(value):.6f}" if float(value) <= self.maximum else None

    def build_schema(self) -> Schema:
        number = {"type": "integer", "minimum": 0, "maximum": self.maximum}
        return {"anyOf": [number, _matching(f"^{DECIMAL_PATTERN}{END}") | {"$comment": "the same range"}]}


@dataclass(frozen=True, slots=True)
class Flag:
    expected: str = "true or false"

    def format_value(self, value: VariableValue) -> str | None:
        text = str(int(value) if isinstance(value, bool) else value).upper()
        return "ON" if text in ON_WORDS else "OFF" if text in OFF_WORDS else None

    def build_schema(self) -> Schema:
        words = _matching(f"^({'|'.join(_any_case(word) for word in sorted(ON_WORDS | OFF_WORDS))}){END}")
        return {"anyOf": [{"type": "boolean"}, {"enum": [0, 1]}, words]}


@dataclass(frozen=True, slots=True)
class Enumeration:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        return " or ".join(self.words)

    def format_value(self, value: VariableValue) -> str | None:
        return next((word for word in self.words if word.upper() == str(value).upper()), None)

    def build_schema(self) -> Schema:
        return _matching(f"^({'|'.join(map(_any_case, self.words))}){END}")


@dataclass(frozen=True, slots=True)
class OptionWord:
    """A word, or several with commas between them, that no option file can misread."""

    expected: str = "letters, digits and _.:*,-"

    def format_value(self, value: VariableValue) -> str | None:
        return value if isinstance(value, str) and re.fullmatch(NAME_PATTERN, value) else None

    def build_schema(self) -> Schema:
        return _matching(f"^{NAME_PATTERN}{END}")


VariableType = Number | Decimal | Flag | Enumeration | OptionWord


def _matching(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern}


def _any_case(word: str) -> str:
    """Match upper and lower case: the patterns of a schema have no flag for it."""
    return "".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else c for c in word)
