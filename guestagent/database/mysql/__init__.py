"""MySQL's dialect. The rest of this folder needs a running server: `open_database` leads to it."""

from guestagent.database.mysql.statements import MysqlDialect

__all__ = ["MysqlDialect"]
