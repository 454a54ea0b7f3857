"""Data directories that are laid out in another way than an installation's, and tables of such a source."""

from __future__ import annotations

from pathlib import Path

from guestagent.database.driver import Row
from guestagent.embedded.database_servers import Flavour, build_root_command
from guestagent.embedded.database_servers.data_directory import INSTALLERS
from guestagent.embedded.host import commands
from tests.support.database_servers import DatabaseServer, provide_server_root

INSTALL_TIMEOUT_S = 600.0
PARTITIONED_TABLE = (
    "CREATE TABLE shop.parts (id INT PRIMARY KEY, text VARCHAR(50)) PARTITION BY RANGE (id)"
    " (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20), PARTITION p2 VALUES LESS THAN MAXVALUE)"
)


def install_apart(folder: Path, flavour: Flavour, *options: str) -> Path:
    """Create a data directory with options that cannot be changed later."""
    argv = (*INSTALLERS[flavour.family](folder), *(f"--{option}" for option in options))
    command = build_root_command(provide_server_root(flavour), argv)
    commands.run_checked("making a data directory", command, timeout=INSTALL_TIMEOUT_S)
    (folder / "auto.cnf").unlink(missing_ok=True)
    return folder


def create_parts(source: DatabaseServer) -> None:
    """Create a table with rows in each of its partitions."""
    source.execute(
        PARTITIONED_TABLE, "INSERT INTO shop.parts VALUES (1, 'one'), (11, 'eleven'), (21, 'twenty-one')"
    )


def read_rows(server: DatabaseServer, table: str) -> list[Row]:
    return server.execute(f"SELECT * FROM {table} ORDER BY id")  # noqa: S608  a name of the test
