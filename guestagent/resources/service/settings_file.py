"""Loads the settings of the service. A file that holds a password belongs to one user alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from guestagent.errors import InvalidSettings, Problem
from guestagent.limited_read import INPUT_SIZE_LIMIT
from guestagent.resources.oslo_options import read_option_file
from guestagent.resources.service.settings import ManagerSettings, build_settings

DEFAULT_FILE = Path("/etc/guestagent/resources.conf")


def load_manager_settings(path: Path = DEFAULT_FILE) -> ManagerSettings:
    """Load the settings. Raise InvalidSettings with file, key, what was expected and found, for every problem."""
    status = _read_status(path)
    settings = build_settings(read_option_file(path), str(path))
    mode = stat.S_IMODE(status.st_mode)
    if settings.has_password and mode & (stat.S_IRWXG | stat.S_IRWXO):
        found = f"{mode:04o}, and a password in it"
        raise InvalidSettings(
            [Problem("settings", "a file of mode 0600", found, f"run: chmod 600 {path}")], str(path)
        )
    return settings


def _read_status(path: Path) -> os.stat_result:
    """Return the status of a file that can be read to its end, and twice."""
    advice = ""
    try:
        status = path.stat()
    except FileNotFoundError as error:
        found = str(error.strerror)
        advice = "`guestagent resources sample-settings` prints one"
    except OSError as error:
        found = str(error.strerror)
    except ValueError:
        found = "a name with a null character"
    else:
        if stat.S_ISREG(status.st_mode) and status.st_size <= INPUT_SIZE_LIMIT:
            return status
        found = "something else, or one of more than 16 MiB"
    raise InvalidSettings([Problem("settings", "a readable file", found, advice)], str(path))
