"""The snapshots of each family."""

from __future__ import annotations

from collections.abc import Callable

from guestagent.verification.mariadb_snapshot import MariadbSnapshots
from guestagent.verification.mysql_snapshot import MysqlSnapshots
from guestagent.verification.source_snapshot import SnapshotDialect

DIALECTS: dict[str, Callable[[], SnapshotDialect]] = {"MariaDB": MariadbSnapshots, "MySQL": MysqlSnapshots}
