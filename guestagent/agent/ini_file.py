"""The text of an INI file as sections of options, with the quotes and references of oslo.config. Pure.

Earlier versions read the settings with oslo.config, and a file that was written for them must keep its meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from configparser import MissingSectionHeaderError, ParsingError, RawConfigParser

from guestagent.errors import Problem

DEFAULT_SECTION = "DEFAULT"
EXPECTED_LINE = "`key = value` in a [section]"
QUOTES = ('"', "'")
REFERENCE_PATTERN = re.compile(r"\$(?:(\$)|([_a-z][._a-z0-9]*)|\{([_a-z][._a-z0-9]*)\})", re.IGNORECASE)

Sections = dict[str, dict[str, str]]


class IniSyntaxError(ValueError):
    """The text is not an INI file. `problems` has one for each line that cannot be parsed."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems


def parse_ini(text: str, where: str) -> Sections:
    """Return the options of every section. If an option is repeated, the last one counts.

    Names of sections are in lower case, except DEFAULT.
    """
    parser = RawConfigParser(strict=False, empty_lines_in_values=False, default_section="")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except ParsingError as error:
        raise IniSyntaxError(_list_problems(error, where)) from error
    sections: Sections = {}
    for name in parser.sections():
        options = sections.setdefault(name if name == DEFAULT_SECTION else name.lower(), {})
        options.update({option: _strip_quotes(value) for option, value in parser.items(name)})
    return sections


def expand_references(text: str, get_value: Callable[[str], str]) -> str:
    """Replace each `$name` and `${section.name}` by its value; `$$` and `\\$` stand for a dollar sign."""

    def expand_reference(match: re.Match[str]) -> str:
        escaped, name, name_in_braces = match.groups()
        return str(escaped) if escaped else get_value(name or name_in_braces)

    return REFERENCE_PATTERN.sub(expand_reference, text.replace("\\$", "$$"))


def _list_problems(error: ParsingError, where: str) -> tuple[Problem, ...]:
    if isinstance(error, MissingSectionHeaderError):
        lines = [(error.lineno, repr(error.line))]
    else:
        lines = [(number, str(line)) for number, line in error.errors]
    return tuple(Problem(f"{where}, line {number}", EXPECTED_LINE, line) for number, line in lines)


def _strip_quotes(value: str) -> str:
    """Remove the quotes around the first line, which is the whole of nearly every value."""
    first_line, newline, more_lines = value.partition("\n")
    if first_line.startswith(QUOTES) and first_line[0] == first_line[-1]:
        first_line = first_line[1:-1]
    return first_line + newline + more_lines
