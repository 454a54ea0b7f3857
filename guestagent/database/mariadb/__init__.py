"""MariaDB. The dialect needs no server; `detect.open_database` opens a running one."""

from guestagent.database.mariadb.statements import MariadbDialect

__all__ = ["MariadbDialect"]
