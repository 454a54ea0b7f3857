"""os-collect-config's own configuration, updated with Heat's options. Pure.

Heat puts options for the collector (its section of credentials, say) into the metadata, beside the agent's document,
but os-collect-config does not apply them. When its file changes, it restarts itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from guestagent.metadata import read_polling_interval

METADATA_KEY = "os-collect-config"
PROTECTED_OPTIONS = frozenset(
    {"command", "cachedir"}
)  # the metadata must not disconnect the collector from the agent
OPTION_NAME_PATTERN = re.compile(r"[A-Za-z0-9_.-]+")

UPDATE_COLLECTORS = {
    "cfn": "access_key_id",
    "heat": "auth_url",
    "request": "metadata_url",
    "zaqar": "auth_url",
}
"""The collectors that read newer metadata, each with an option without which it reads nothing."""


def update_config(text: str, requested: Mapping[str, object]) -> str:
    """Return the file's text with the requested options, and all else as it was.

    An option that is None is removed, so that the collector's default holds (Heat thus withdraws boot-time values).
    Values that the file's format cannot hold are left out.
    """
    for section, options in _group_options(requested).items():
        lines = list(_parse_lines(text))
        if any(_get_values(lines, section, name) != values for name, values in options.items()):
            text = "".join(line.text + "\n" for line in _replace_options(lines, section, options))
    return text


def find_requested_options(document: Mapping[str, object]) -> Mapping[str, object]:
    """Return Heat's options for the collector, with the polling interval of the document."""
    section, interval = document.get(METADATA_KEY), read_polling_interval(document)
    options = dict(section) if isinstance(section, Mapping) else {}
    return options if interval is None else options | {"polling_interval": interval}


def list_update_collectors(text: str) -> tuple[str, ...]:
    """List the collectors that this configuration lets read newer metadata. The others only know the boot's."""
    lines = list(_parse_lines(text))
    chosen = {value.strip("\"'") for value in _get_values(lines, "DEFAULT", "collectors")}
    return tuple(
        name
        for name, option in UPDATE_COLLECTORS.items()
        if (name in chosen or not chosen) and any(_get_values(lines, name, option))
    )


def get_option(text: str, section: str, option: str) -> str:
    """Return the last value of an option as oslo.config reads it, without interpolation; "" if there is none."""
    values = _get_values(list(_parse_lines(text)), section, option)
    value = values[-1] if values else ""
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in ('"', "'")
    return (value[1:-1] if is_quoted else value).replace("$$", "$")


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the file. `option` is the one that it sets or continues; None for a header, comment or blank line."""

    section: str
    option: str | None
    text: str
    is_header: bool = False


def _parse_lines(text: str) -> Iterator[_Line]:
    section, option = "DEFAULT", None
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("["):
            section, option = line.strip().strip("[]").strip(), None
            yield _Line(section, None, line, is_header=True)
        elif not line.strip() or line.startswith(("#", ";")):
            option = None
            yield _Line(section, None, line)
        elif line.startswith((" ", "\t")):
            yield _Line(section, option, line)
        else:
            option = _normalize_name(re.split("[=:]", line, maxsplit=1)[0])
            yield _Line(section, option, line)


def _get_values(lines: list[_Line], section: str, option: str) -> list[str]:
    """Return the values of an option, as they are spelled in the file."""
    texts = [line.text for line in lines if line.section == section and line.option == option]
    return [re.split("[=:]", text, maxsplit=1)[-1].strip() for text in texts]


def _replace_options(lines: list[_Line], section: str, options: Mapping[str, list[str]]) -> list[_Line]:
    """Put these options right below the section's first header."""
    new_lines = [
        _Line(section, name, f"{name} = {value}") for name, values in options.items() for value in values
    ]
    other_lines = [line for line in lines if line.section != section or line.option not in options]
    for index, line in enumerate(other_lines):
        if line.is_header and line.section == section:
            return [*other_lines[: index + 1], *new_lines, *other_lines[index + 1 :]]
    header = _Line(section, None, f"[{section}]", is_header=True)
    return [*other_lines, header, *new_lines] if new_lines else other_lines


def _group_options(requested: Mapping[str, object]) -> dict[str, dict[str, list[str]]]:
    """Group Heat's options by section: each that is not a mapping itself belongs to DEFAULT."""
    default = {name: value for name, value in requested.items() if not isinstance(value, Mapping)}
    sections = {
        name: value
        for name, value in requested.items()
        if isinstance(value, Mapping) and OPTION_NAME_PATTERN.fullmatch(name)
    }
    sections.pop("DEFAULT", None)
    allowed = {name: value for name, value in default.items() if name not in PROTECTED_OPTIONS}
    all_sections = {"DEFAULT": allowed, **sections}
    return {name: dict(_format_options(options)) for name, options in all_sections.items()}


def _format_options(options: Mapping[str, object]) -> Iterator[tuple[str, list[str]]]:
    for name, value in options.items():
        values = value if isinstance(value, list) else [] if value is None else [value]
        if OPTION_NAME_PATTERN.fullmatch(str(name)) and all(_is_formattable(one) for one in values):
            yield _normalize_name(name), [_format_value(one) for one in values]


def _is_formattable(value: object) -> bool:
    return isinstance(value, str | int | float) and str(value).isprintable()


def _format_value(value: object) -> str:
    """Format a value so that oslo.config reads it back: it interpolates `$`, and strips white space and quotes."""
    text = (str(value).lower() if isinstance(value, bool) else str(value)).replace("$", "$$")
    needs_quotes = text != text.strip() or text[:1] in ('"', "'")
    return f'"{text}"' if needs_quotes else text


def _normalize_name(name: str) -> str:
    return name.strip().replace("-", "_")
