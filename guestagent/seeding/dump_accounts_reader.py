"""Reads the accounts of a server, as definitions that another one can be given."""

from __future__ import annotations

from guestagent.database.connection import Connection
from guestagent.database.driver import Row
from guestagent.database.sql_statement import Statement, sql
from guestagent.seeding.dump_accounts import AccountDefinition, AccountName, build_role_creation
from guestagent.seeding.dump_dialect import DumpDialect

OPERATION = "reading the accounts"
SELECT_NAMES = {
    "mariadb": sql("SELECT User AS user, Host AS host, is_role AS is_role FROM mysql.user ORDER BY 1, 2"),
    "mysql": sql("SELECT user AS user, host AS host, 'N' AS is_role FROM mysql.user ORDER BY 1, 2"),
}
HEX_HASHES = sql("SET SESSION print_identified_with_as_hex = 1")
"""MySQL's hashes have bytes that are no text."""


def read_account_definitions(
    connection: Connection, family: str, dialect: DumpDialect
) -> tuple[AccountDefinition, ...]:
    """Read all accounts and roles but those that each server has of its own. Raises DatabaseError."""
    if family == "mysql":
        connection.fetch_rows(HEX_HASHES, OPERATION)
    names = read_account_names(connection, family, dialect)
    return tuple(_read_definition(connection, name) for name in names)


def read_account_names(connection: Connection, family: str, dialect: DumpDialect) -> tuple[AccountName, ...]:
    """Read the names of all accounts and roles but those that each server has of its own. Raises DatabaseError."""
    rows = connection.fetch_rows(SELECT_NAMES[family], OPERATION)
    names = [AccountName(str(row["user"]), str(row["host"]), row["is_role"] == "Y") for row in rows]
    return tuple(name for name in names if not name.is_system(dialect.system_users))


def build_text_statement(text: str) -> Statement:
    """Build a statement from a text without placeholders."""
    return sql(text.replace("{", "{{").replace("}", "}}"))


def _read_definition(connection: Connection, name: AccountName) -> AccountDefinition:
    if name.is_role:
        creation = build_role_creation(name)
    else:
        rows = connection.fetch_rows(build_text_statement(f"SHOW CREATE USER {name}"), OPERATION)
        creation = _get_text(rows[0])
    rows = connection.fetch_rows(build_text_statement(f"SHOW GRANTS FOR {name}"), OPERATION)
    return AccountDefinition(name, creation, tuple(_get_text(row) for row in rows))


def _get_text(row: Row) -> str:
    """Return the only value of a row, whose column is named after the account."""
    return str(next(iter(row.values())))
