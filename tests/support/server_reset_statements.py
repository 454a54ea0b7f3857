"""Statements with which the tests reset a server, by family."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResetStatements:
    """Options of a small server with a GTID history, and the statements that reset it.

    `list_added` lists accounts and schemas as a DROP names them. `replicas` lists the connected replicas, and `dumps`
    the connections on which they read the binary log. `stop`, `forget` and `erase` reset the server in this order, the
    last one without binary logging.
    """

    options: tuple[str, ...]
    list_added: str
    replicas: str
    dumps: str
    stop: str
    forget: tuple[str, ...]
    erase: tuple[str, ...]
    position: str


SCHEMAS = """
UNION SELECT CONCAT('SCHEMA `', schema_name, '`') FROM information_schema.schemata
  WHERE schema_name NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')
"""
DUMPS = "SELECT id AS id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'"

MARIADB = ResetStatements(
    options=(
        "log-slave-updates=ON",
        "gtid-strict-mode=ON",
        "innodb-buffer-pool-size=8M",
        "innodb-log-file-size=8M",
        "performance-schema=OFF",
    ),
    list_added="""
SELECT IF(JSON_VALUE(Priv, '$.is_role'), CONCAT('ROLE ', QUOTE(User)),
          CONCAT('USER ', QUOTE(User), '@', QUOTE(Host))) AS what
  FROM mysql.global_priv WHERE User NOT IN ('root', 'mariadb.sys')"""
    + SCHEMAS,
    replicas="SHOW SLAVE HOSTS",
    dumps=DUMPS,
    stop="STOP SLAVE",
    forget=("RESET SLAVE ALL", "SET GLOBAL read_only = 0"),
    erase=("RESET MASTER", "SET GLOBAL gtid_slave_pos = ''"),
    position="SHOW MASTER STATUS",
)

MYSQL = ResetStatements(
    options=(
        "log-replica-updates=ON",
        "gtid-mode=ON",
        "enforce-gtid-consistency=ON",
        "mysqlx=OFF",
        "innodb-buffer-pool-size=16M",
        "innodb-redo-log-capacity=8M",
        "secure-file-priv=NULL",
        # It waits for the disk much more often than MariaDB. No test cuts the power, so the kernel's cache is not lost.
        "innodb-flush-method=nosync",
        "skip-innodb-doublewrite",
        "sync-binlog=0",
    ),
    list_added="""
SELECT CONCAT('USER ', QUOTE(User), '@', QUOTE(Host)) AS what
  FROM mysql.user WHERE User NOT IN ('root', 'mysql.sys', 'mysql.session', 'mysql.infoschema')"""
    + SCHEMAS,
    replicas="SHOW REPLICAS",
    # Its processlist table is deprecated and causes a warning at every use.
    dumps="""
SELECT processlist_id AS id FROM performance_schema.threads WHERE processlist_command LIKE 'Binlog Dump%'""",
    stop="STOP REPLICA",
    forget=("RESET REPLICA ALL", "SET GLOBAL super_read_only = 0", "SET GLOBAL read_only = 0"),
    erase=("RESET BINARY LOGS AND GTIDS",),
    position="SHOW BINARY LOG STATUS",
)

RESET_STATEMENTS = {"mariadb": MARIADB, "mysql": MYSQL}
