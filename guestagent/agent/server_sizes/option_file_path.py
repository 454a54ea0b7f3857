"""The path of the agent's option file, which the image has brought, and its mode."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

OPTION_FILES = {
    "mariadb": (
        Path("/etc/mysql/mariadb.conf.d/90-guestagent.cnf"),
        Path("/etc/my.cnf.d/90-guestagent.cnf"),
    ),
    "mysql": (Path("/etc/mysql/mysql.conf.d/zz-guestagent.cnf"), Path("/etc/my.cnf.d/zz-guestagent.cnf")),
}
"""Each is read after the packages' own files."""

OPTION_FILE_MODE = 0o644
"""The server's own user reads the file; it contains no secret."""


def find_option_file(family: str, paths: Mapping[str, tuple[Path, ...]] = OPTION_FILES) -> Path | None:
    """Find the agent's option file in the image, in Debian's layout or the RPM one.

    If there is none, the agent does not manage the server's configuration.
    """
    return next((path for path in paths.get(family, ()) if path.exists()), None)


def choose_default_path(family: str, paths: Mapping[str, tuple[Path, ...]] = OPTION_FILES) -> Path | None:
    """Choose where the agent's option file belongs in this system's layout; None if no layout is known."""
    return next((path for path in paths.get(family, ()) if path.parent.is_dir()), None)
