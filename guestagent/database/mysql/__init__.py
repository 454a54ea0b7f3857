"""MySQL. The dialect needs no server; `detect.open_database` opens a running one."""

from guestagent.database.mysql.statements import MysqlDialect

__all__ = ["MysqlDialect"]
