"""Options as values, in the words of oslo.config. It is imported only where there is a file for it to read: that takes
a guest longer than the rest of most commands, and an image needs no file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Option:
    """What oslo.config's option of the same name is made from."""

    name: str
    default: Any = None
    help: str = ""
    min: float | None = None


class StrOpt(Option):
    """A text."""


class IntOpt(Option):
    """A whole number, at least `min`."""


class FloatOpt(Option):
    """A number, at least `min`."""


class OptionError(ValueError):
    """The file cannot be read, in oslo.config's own words."""


class OptionValues:
    """The value of every option, by attribute or by item; those of a group lie one level below."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __getattr__(self, name: str) -> Any:
        return self[name]

    def __getitem__(self, name: str) -> Any:
        found = self._values[name]
        return OptionValues(found) if isinstance(found, Mapping) else found


OptionGroups = Mapping[str, Sequence[Option]]
DEFAULT_GROUP = "DEFAULT"


def build_defaults(groups: OptionGroups) -> OptionValues:
    """Where there is no file."""
    return _nested({group: {option.name: option.default for option in groups[group]} for group in groups})


def parse_files(files: Sequence[str], groups: OptionGroups) -> OptionValues:
    """What the files say, a later one over an earlier. Error where oslo.config cannot read one."""
    from oslo_config import cfg

    conf = cfg.ConfigOpts()
    for group, options in groups.items():
        conf.register_opts(
            [_its_own(option) for option in options], group=None if group == DEFAULT_GROUP else group
        )
    try:
        conf([], project="guestagent", default_config_files=list(files), default_config_dirs=[])
        return _nested(
            {
                group: {
                    option.name: (conf if group == DEFAULT_GROUP else conf[group])[option.name]
                    for option in options
                }
                for group, options in groups.items()
            }
        )
    except cfg.Error as error:
        raise OptionError(str(error)) from error


def _its_own(option: Option) -> Any:
    from oslo_config import cfg

    least = {} if option.min is None else {"min": option.min}
    return getattr(cfg, type(option).__name__)(option.name, default=option.default, help=option.help, **least)


def _nested(values: Mapping[str, Mapping[str, Any]]) -> OptionValues:
    return OptionValues(
        {
            **values.get(DEFAULT_GROUP, {}),
            **{name: of for name, of in values.items() if name != DEFAULT_GROUP},
        }
    )
