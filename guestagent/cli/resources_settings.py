"""What the commands of the resource manager have in common: its settings, and the packages that it needs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from guestagent.errors import build_missing_extra_error

if TYPE_CHECKING:
    from guestagent.resources.service.settings import ManagerSettings

SETTINGS_VARIABLE = "GUESTAGENT_RESOURCES_SETTINGS"
SETTINGS_HELP = (
    f"the settings of the service (default: ${SETTINGS_VARIABLE}, or /etc/guestagent/resources.conf)"
)


def add_settings_option(parser: argparse._ActionsContainer) -> None:
    """Add --settings."""
    parser.add_argument("--settings", type=Path, metavar="FILE", help=SETTINGS_HELP)


def load_chosen_settings(args: argparse.Namespace) -> ManagerSettings:
    """Load the settings that --settings, the environment or the default names."""
    with require_resources_extra():
        from guestagent.resources.service.settings_file import DEFAULT_FILE, load_manager_settings

        chosen = args.settings or os.environ.get(SETTINGS_VARIABLE) or DEFAULT_FILE
        return load_manager_settings(Path(chosen))


@contextmanager
def require_resources_extra() -> Iterator[None]:
    """Name the extra that has a package which is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise build_missing_extra_error(str(error.name), "resources") from error
