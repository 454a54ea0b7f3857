"""MariaDB's dialect. The rest of this folder needs a running server: `open_database` leads to it."""

from guestagent.database.mariadb.statements import MariadbDialect

__all__ = ["MariadbDialect"]
