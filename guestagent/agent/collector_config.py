"""os-collect-config's own configuration, kept as Heat wants it. Pure.

Heat puts what the collector shall be (its section of credentials, say) into the metadata, beside our document; nothing
in os-collect-config applies it. When its file changes it executes itself anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from guestagent.metadata import read_polling_interval

METADATA_KEY = "os-collect-config"
PROTECTED_OPTIONS = frozenset({"command", "cachedir"})  # or the metadata could make the collector forget us
OPTION_NAME_PATTERN = re.compile(r"[A-Za-z0-9_.-]+")


def update_config(text: str, wanted: Mapping[str, object]) -> str:
    """The file's text with Heat's values in it, all else as it was; the same text where it says so already.

    A value that is None is removed, so that the collector's default holds (Heat takes back boot-time values so).
    What cannot stand in such a file is left out.
    """
    for section, options in _sections(wanted).items():
        lines = list(_lines(text))
        if any(_held(lines, section, name) != values for name, values in options.items()):
            text = "".join(line.text + "\n" for line in _replaced(lines, section, options))
    return text


def find_requested_options(document: Mapping[str, object]) -> Mapping[str, object]:
    """What the collector shall be: Heat's own wishes, and over them the interval that the document names."""
    heats, interval = document.get(METADATA_KEY), read_polling_interval(document)
    wishes = dict(heats) if isinstance(heats, Mapping) else {}
    return wishes if interval is None else wishes | {"polling_interval": interval}


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the file. `option` is the one that it sets or continues; None of a header, comment or blank line."""

    section: str
    option: str | None
    text: str
    header: bool = False


def _lines(text: str) -> Iterator[_Line]:
    section, option = "DEFAULT", None
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("["):
            section, option = line.strip().strip("[]").strip(), None
            yield _Line(section, None, line, header=True)
        elif not line.strip() or line.startswith(("#", ";")):
            option = None
            yield _Line(section, None, line)
        elif line.startswith((" ", "\t")):
            yield _Line(section, option, line)
        else:
            option = _canonical(re.split("[=:]", line, maxsplit=1)[0])
            yield _Line(section, option, line)


def _held(lines: list[_Line], section: str, option: str) -> list[str]:
    """The values that the file gives an option, as they are spelled in it."""
    found = [line.text for line in lines if line.section == section and line.option == option]
    return [re.split("[=:]", text, maxsplit=1)[-1].strip() for text in found]


def _replaced(lines: list[_Line], section: str, options: Mapping[str, list[str]]) -> list[_Line]:
    """The lines with these options right below the section's first header."""
    new = [_Line(section, name, f"{name} = {value}") for name, values in options.items() for value in values]
    kept = [line for line in lines if line.section != section or line.option not in options]
    for index, line in enumerate(kept):
        if line.header and line.section == section:
            return [*kept[: index + 1], *new, *kept[index + 1 :]]
    return [*kept, _Line(section, None, f"[{section}]", header=True), *new] if new else kept


def _sections(wanted: Mapping[str, object]) -> dict[str, dict[str, list[str]]]:
    """Heat's mapping: what is not a mapping itself belongs to DEFAULT."""
    default = {name: value for name, value in wanted.items() if not isinstance(value, Mapping)}
    sections = {
        name: value
        for name, value in wanted.items()
        if isinstance(value, Mapping) and OPTION_NAME_PATTERN.fullmatch(name)
    }
    sections.pop("DEFAULT", None)
    every = {"DEFAULT": {k: v for k, v in default.items() if k not in PROTECTED_OPTIONS}, **sections}
    return {name: dict(_options(options)) for name, options in every.items()}


def _options(options: Mapping[str, object]) -> Iterator[tuple[str, list[str]]]:
    for name, value in options.items():
        values = value if isinstance(value, list) else [] if value is None else [value]
        if OPTION_NAME_PATTERN.fullmatch(str(name)) and all(_fits(one) for one in values):
            yield _canonical(name), [_spelled(one) for one in values]


def _fits(value: object) -> bool:
    return isinstance(value, str | int | float) and str(value).isprintable()


def _spelled(value: object) -> str:
    """As oslo.config reads it back: `$` would be interpolated, white space around and quotes are dropped."""
    text = (str(value).lower() if isinstance(value, bool) else str(value)).replace("$", "$$")
    quoted = text != text.strip() or text[:1] in ('"', "'")
    return f'"{text}"' if quoted else text


def _canonical(name: str) -> str:
    return name.strip().replace("-", "_")
