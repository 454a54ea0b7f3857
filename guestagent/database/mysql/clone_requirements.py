"""What two MySQL servers must have in common for a CLONE. Pure.

The server itself checks a part of this. It does not check what lets the copy not start afterwards, when the old data
are gone.
"""

from __future__ import annotations

from collections.abc import Mapping

from guestagent.database.server_version import parse_version

FIRST_SERIES_WITH_ANY_PATCH = (8, 0, 37)
"""From here on the servers may be of different versions of one series."""
EQUAL_VARIABLES = (
    "version_compile_os",
    "version_compile_machine",
    "innodb_page_size",
    "lower_case_table_names",
    "innodb_data_file_path",
    "innodb_directories",
    "character_set_server",
    "collation_server",
)
FOLDER_VARIABLES = ("datadir", "innodb_data_home_dir", "innodb_log_group_home_dir", "innodb_undo_directory")
KEYRING = "keyring"
"""Beside the variables of a recipient: whether it has one, ON or OFF."""
VARIABLES = ("version", "server_uuid", "performance_schema", *EQUAL_VARIABLES, *FOLDER_VARIABLES)


def find_clone_obstacles(donor: Mapping[str, str], recipient: Mapping[str, str]) -> tuple[str, ...]:
    """List why a donor with these variables cannot be cloned to a recipient with those; () if nothing is known."""
    obstacles = []
    if donor["server_uuid"] == recipient["server_uuid"]:
        obstacles.append("the source is this server itself, or has its server_uuid")
    if not _is_version_compatible(donor["version"], recipient["version"]):
        obstacles.append(f"version {donor['version']} there, {recipient['version']} here")
    if recipient["performance_schema"] == "OFF":
        obstacles.append("performance_schema is OFF here, so that the state of a copy cannot be read")
    obstacles += [
        f"{name} {donor.get(name)} there, {recipient.get(name)} here"
        for name in EQUAL_VARIABLES
        if donor.get(name) != recipient.get(name)
    ]
    return tuple(obstacles)


def _is_version_compatible(donor: str, recipient: str) -> bool:
    there, here = parse_version(donor), parse_version(recipient)
    if there[:2] != here[:2]:
        return False
    return there == here or min(there, here) >= FIRST_SERIES_WITH_ANY_PATCH
