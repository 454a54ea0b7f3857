"""Typed values of the options in an INI file, with every problem that they have."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from guestagent.agent.ini_file import DEFAULT_SECTION, Sections, expand_references
from guestagent.errors import Problem

ADVICE = "docs/reference/settings.md lists every setting"


@dataclass(frozen=True, slots=True)
class Option:
    """An option whose value is a text."""

    name: str
    default: str | float | None = None


@dataclass(frozen=True, slots=True)
class NumberOption(Option):
    """An option whose value is a number. It has no default if it counts as not set when it is missing."""

    minimum: float = 0.0
    limit: float = math.inf
    is_whole: bool = False

    def parse(self, text: str) -> float:
        """Return the number; ValueError if it is none, or out of range."""
        number = int(text) if self.is_whole else float(text)
        if not self.minimum <= number <= self.limit:  # false for nan
            raise ValueError(text)
        return number

    def describe_range(self) -> str:
        """Describe what the option accepts."""
        kind = "a whole number" if self.is_whole else "a number"
        upper = "" if math.isinf(self.limit) else f" and at most {self.limit:.0f}"
        return f"{kind}, at least {self.minimum:g}{upper}"


OptionGroups = Mapping[str, tuple[Option, ...]]


class OptionValues:
    """The values of the options, over their defaults. What is wrong with them is collected in `problems`."""

    def __init__(self, groups: OptionGroups, sections: Sections, where: str) -> None:
        self._sections, self._where = sections, where
        self._options = {(group, option.name): option for group in groups for option in groups[group]}
        self.problems: list[Problem] = []

    def get_text(self, section: str, name: str) -> str:
        """Return the text, "" if there is none."""
        try:
            text = self._expand(section, name)
        except LookupError as error:
            self._add_problem(section, name, "references to existing options", str(error.args[0]))
        except RecursionError:
            self._add_problem(section, name, "references that end", "a reference to itself")
        else:
            if "\0" not in text:
                return text
            self._add_problem(section, name, "a text without null characters", repr(text))
        return ""

    def get_number(self, section: str, name: str) -> float:
        """Return the number, 0 if there is none. An empty value counts as the default."""
        option = self._options[section, name]
        text = self.get_text(section, name).strip() or str(option.default or "")
        if not text:
            return 0
        assert isinstance(option, NumberOption)
        try:
            return option.parse(text)
        except ValueError:
            self._add_problem(section, name, option.describe_range(), text)
            return 0

    def find_path(self, section: str, name: str) -> Path | None:
        """Return the path, None if there is none."""
        text = self.get_text(section, name)
        return Path(text) if text else None

    def get_words(self, section: str, name: str) -> tuple[str, ...]:
        """Split a command into words as a shell does."""
        text = self.get_text(section, name)
        try:
            return tuple(shlex.split(text))
        except ValueError as error:
            self._add_problem(section, name, "a command as in a shell", f"{text} ({error})")
            return ()

    def _expand(self, section: str, name: str) -> str:
        text = self._sections.get(section, {}).get(name)
        if text is None:
            default = self._options[section, name].default
            return "" if default is None else str(default)
        return expand_references(text, lambda reference: self._expand(*self._resolve(reference, section)))

    def _resolve(self, reference: str, section: str) -> tuple[str, str]:
        """Find the option that a reference names: in its own section, or in DEFAULT, if it names none."""
        group, _, name = reference.rpartition(".")
        for candidate in ((group, name),) if group else ((section, name), (DEFAULT_SECTION, name)):
            if candidate in self._options:
                return candidate
        raise LookupError(f"${reference}")

    def _add_problem(self, section: str, name: str, expected: str, actual: str) -> None:
        self.problems.append(Problem(f"{self._where}: [{section}] {name}", expected, actual, ADVICE))
