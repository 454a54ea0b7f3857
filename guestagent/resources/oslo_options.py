"""oslo.config: reads the settings of the service, and holds those of oslo's libraries. Only this file imports it."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from oslo_config import cfg, generator

from guestagent.errors import InvalidSettings, Problem
from guestagent.resources.settings_options import OPTION_GROUPS, OptionKind, SettingOption

NAMESPACE = "guestagent.resources"
"""Under which `oslo-config-generator` finds these options."""
LINE_PATTERN = re.compile(r":(\d+),")
REFERENCE_PATTERN = re.compile(r"(?<!\$)(?:\$\$)*\$(?!\$)")
"""A single dollar sign: oslo.config takes it for a reference to another option."""
OptionValues = Mapping[tuple[str, str], Any]


def get_library_options() -> Any:
    """Return the global options, as they are. Other objects lack options that oslo's libraries need.

    They belong to the whole program, which may be another service of OpenStack: nothing is set in them.
    """
    return cfg.CONF


def read_option_file(path: Path) -> OptionValues:
    """Read the values of all options, by group and name. Raise InvalidSettings with every problem."""
    conf = cfg.ConfigOpts()
    for group, options in list_options():
        conf.register_opts(options, group=group)
    sections: dict[str, dict[str, list[str]]] = {}
    try:
        cfg.ConfigParser(str(path), sections).parse()
        # Nothing but the file counts: no environment, no folder beside it.
        conf([], default_config_files=[str(path)], default_config_dirs=[], use_env=False)
    except (cfg.ParseError, cfg.ConfigFileParseError) as error:
        raise InvalidSettings([_describe_syntax_error(str(error))], str(path)) from None
    except (OSError, cfg.ConfigFilesNotFoundError, cfg.ConfigFilesPermissionDeniedError) as error:
        found = getattr(error, "strerror", None) or "one that cannot be read"
        raise InvalidSettings([Problem("settings", "a readable file", found)], str(path)) from None
    except UnicodeDecodeError as error:
        raise InvalidSettings([Problem("settings", "text in UTF-8", error.reason)], str(path)) from None
    problems = [*_find_unknown_keys(sections)]
    values: dict[tuple[str, str], Any] = {}
    for group, known in OPTION_GROUPS.items():
        for option in known:
            found = sections.get(group, {}).get(option.name, [""])[-1]
            if REFERENCE_PATTERN.search(found):
                problems.append(Problem(f"{group}.{option.name}", "$$ for each $", "$"))
                continue
            try:
                value = values[group, option.name] = conf[group][option.name]
            except ValueError:
                value = None
            if value is None and option.default is not None:
                problems.append(option.describe_problem(group, found))
    if problems:
        raise InvalidSettings(problems, str(path))
    return values


def write_sample() -> str:
    """Return a settings file with every option, its default and its explanation."""
    conf = cfg.ConfigOpts()
    generator.register_cli_opts(conf)
    conf(["--namespace", NAMESPACE, "--wrap-width", "100"], default_config_files=[], default_config_dirs=[])
    output = io.StringIO()
    with warnings.catch_warnings():
        # Older releases pass stevedore an option that newer ones of it warn of.
        warnings.simplefilter("ignore", DeprecationWarning)
        generator.generate(conf, output)
    return output.getvalue()


def list_options() -> list[tuple[str, list[Any]]]:
    """Return all options as oslo.config's, by group. The entry point of `oslo-config-generator` names it."""
    return [(group, [_build_option(each) for each in options]) for group, options in OPTION_GROUPS.items()]


def _build_option(option: SettingOption) -> Any:
    arguments: dict[str, Any] = {"default": option.default, "help": option.help, "secret": option.is_secret}
    if option.kind is OptionKind.NUMBER:
        return cfg.IntOpt(option.name, min=option.minimum, max=option.maximum, **arguments)
    if option.kind is OptionKind.SWITCH:
        return cfg.BoolOpt(option.name, **arguments)
    return cfg.StrOpt(option.name, **arguments)


def _find_unknown_keys(sections: Mapping[str, Mapping[str, list[str]]]) -> Iterator[Problem]:
    """Yield what would be ignored: a misspelt key, or one that is there twice."""
    for group, keys in sections.items():
        if group == "DEFAULT" and not keys:
            continue  # oslo.config's own samples begin with it.
        options = OPTION_GROUPS.get(group)
        if options is None:
            yield Problem(f"[{group}]", f"one of the sections {', '.join(OPTION_GROUPS)}", "another one")
            continue
        names = [option.name for option in options]
        for key, found in keys.items():
            if key not in names:
                yield Problem(f"{group}.{key}", f"one of {', '.join(names)}", "another key")
            elif len(found) > 1:
                yield Problem(f"{group}.{key}", "one value", f"{len(found)}")


def _describe_syntax_error(message: str) -> Problem:
    """Return where the syntax is wrong, without the line itself, which may hold a password."""
    line = LINE_PATTERN.search(message)
    place = "settings" if line is None else f"line {line[1]}"
    return Problem(place, "a section in brackets, or `key = value` below one", "something else")
