"""Reads from the local MariaDB server what a backup depends on, and compares a source with a replica."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from guestagent.database.connection import Connection
from guestagent.database.login import connect_socket
from guestagent.database.mariadb.encryption import read_encryption_plugin
from guestagent.database.queries import read_global_variables
from guestagent.database.server_version import parse_version
from guestagent.errors import SeedError
from guestagent.seeding.stream_messages import ServerFacts

QUERY_TIMEOUT_S = 30.0
COMPARED_SETTINGS = ("innodb_page_size", "innodb_data_file_path", "lower_case_table_names")
"""A server does not start on data, or does not find tables, with other values than these."""
FOLDER_SETTINGS = {
    "innodb_data_home_dir": "",
    "innodb_log_group_home_dir": "./",
    "innodb_undo_directory": "./",
}
"""Settings of folders for data, and their values in the data directory itself."""
DATA_FILE_PATH = "innodb_data_file_path"
ENCRYPTION_PLUGIN, KEY_FILE, KEY_DIGEST = "encryption_plugin", "file_key_management_filename", "key_digest"
"""What a server encrypts its data by: no variable, the variable of one plugin, and the SHA-256 of that file."""
KEY_ADVICE = (
    "load the plugin here with the source's keys, in a file of the same path; a dump needs the plugin, too"
)
DUMP_ADVICE = "upgrade the replica to the source's version, or seed it by Method: dump"


@contextmanager
def open_connection(socket: str, user: str = "root") -> Iterator[Connection]:
    """Log in over the local socket as the system's `user`, for the block. Raises DatabaseError."""
    with closing(connect_socket(socket, user, QUERY_TIMEOUT_S)) as connection:
        yield connection


def read_variables(socket: str, user: str = "root") -> Mapping[str, str]:
    """Read all variables that a backup depends on. Raises DatabaseError, and SeedError if keys cannot be read."""
    names = (
        *(
            "version",
            "datadir",
            "innodb_log_file_size",
            "log_bin_basename",
            "relay_log",
            "ssl_cert",
            "ssl_key",
        ),
        KEY_FILE,
        *COMPARED_SETTINGS,
        *FOLDER_SETTINGS,
    )
    with open_connection(socket, user) as connection:
        variables = dict(read_global_variables(connection, names))
        plugin = read_encryption_plugin(connection)
    if plugin:
        variables[ENCRYPTION_PLUGIN] = plugin
    if variables.get(KEY_FILE):
        variables[KEY_DIGEST] = _compute_digest(Path(variables[KEY_FILE]))
    return variables


def build_facts(variables: Mapping[str, str]) -> ServerFacts:
    """Build the facts of a server from its variables."""
    names = (*COMPARED_SETTINGS, ENCRYPTION_PLUGIN, KEY_FILE, KEY_DIGEST)
    settings = {name: variables[name] for name in names if name in variables}
    return ServerFacts(variables.get("version", ""), settings)


def check_facts(source: ServerFacts, replica: ServerFacts) -> None:
    """Raise SeedError if the source's files do not work at the replica. A server that does not answer passes."""
    if not replica.version:
        return
    offered, own = parse_version(source.version), parse_version(replica.version)
    if offered[:2] != own[:2] or offered > own:
        raise SeedError(
            f"the source is MariaDB {source.version}, and this server is {replica.version}: a backup needs the same "
            "series, and no newer source",
            DUMP_ADVICE,
        )
    _check_keys(source, replica)
    for name, value in source.settings.items():
        if name in replica.settings and replica.settings[name] != value:
            raise SeedError(
                f"{name} is {value} at the source and {replica.settings[name]} here: its files do not work with that",
                f"set {name} in the server's option file as at the source, or seed it by Method: dump",
            )


def check_folders(variables: Mapping[str, str]) -> None:
    """Raise SeedError if the server keeps data outside of its data directory, where a seed would not replace them."""
    data = Path(variables.get("datadir", "")).resolve()
    for name, default in FOLDER_SETTINGS.items():
        value = variables.get(name, "") or default
        if value and (data / value).resolve() != data:
            raise SeedError(
                f"{name} is {value}, which is not the data directory: a copy would not replace what is there",
                f"remove {name} from the server's option file, or seed it by Method: dump",
            )
    if "/" in variables.get(DATA_FILE_PATH, ""):
        raise SeedError(
            f"{DATA_FILE_PATH} is {variables[DATA_FILE_PATH]}, with a path: a copy would not replace what is there",
            f"remove the path from {DATA_FILE_PATH} in the server's option file, or seed it by Method: dump",
        )


def _check_keys(source: ServerFacts, replica: ServerFacts) -> None:
    """Raise SeedError if the source's data are encrypted by keys that the replica does not have.

    Such a server starts, and its tables cannot be read.
    """
    plugin = source.settings.get(ENCRYPTION_PLUGIN, "")
    if plugin != replica.settings.get(ENCRYPTION_PLUGIN, "") and plugin:
        raise SeedError(
            f"the source encrypts its data by {plugin}, which this server has not loaded", KEY_ADVICE
        )
    for name in (KEY_FILE, KEY_DIGEST):
        if name in source.settings and source.settings[name] != replica.settings.get(name):
            raise SeedError(
                f"the source encrypts its data by the keys in {source.settings.get(KEY_FILE)}, which this server does "
                f"not have in {replica.settings.get(KEY_FILE)}",
                KEY_ADVICE,
            )


def _compute_digest(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise SeedError(
            f"cannot read the keys of the server's data, {file}: {error.strerror}", is_transient=True
        ) from error
