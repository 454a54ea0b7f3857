"""Accounts of a MySQL and their privileges: all of them read in a few queries and joined here.

MySQL keeps roles as accounts: locked, expired and without a password.
"""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.database.connection import Connection
from guestagent.database.copy_note import parse_copy_note
from guestagent.database.driver import Row
from guestagent.database.mysql.statements import MARKER_ACCOUNT
from guestagent.database.privileges import (
    READ_ACCOUNTS_OPERATION,
    AccountPrivileges,
    build_revokes,
    is_system_account,
    read_account,
    read_privileges,
)
from guestagent.database.sql_statement import Statement, sql
from guestagent.database.state import EXPIRED_SUFFIX, Account, AccountState
from guestagent.secret import Secret

SYSTEM_USERS = frozenset({"root", "mysql.sys", "mysql.session", "mysql.infoschema", "debian-sys-maint"})

SELECT_ACCOUNTS = sql(
    "SELECT User, Host, plugin, authentication_string AS proof, ssl_type, account_locked AS locked,"
    " password_expired AS expired, user_attributes->>'$.additional_password' AS retained,"
    " password_lifetime AS lifetime, max_questions + max_updates + max_connections + max_user_connections AS limits,"
    " COALESCE(user_attributes->>'$.Password_locking.failed_login_attempts', 0) AS attempts,"
    " user_attributes->>'$.multi_factor_authentication' IS NOT NULL AS ways,"
    " user_attributes->>'$.metadata' AS attribute,"
    " CONCAT(User, '@', Host) = CURRENT_USER() AS own FROM mysql.user"
)
SELECT_OTHER_PRIVILEGES = sql(
    "SELECT User, Host, 'schema' AS what, '' AS detail, '' AS detail2, '' AS detail3 FROM mysql.db"
    " UNION ALL SELECT User, Host, 'table', '', '', '' FROM mysql.tables_priv"
    " UNION ALL SELECT User, Host, 'column', '', '', '' FROM mysql.columns_priv"
    " UNION ALL SELECT User, Host, 'routine', '', '', '' FROM mysql.procs_priv"
    " UNION ALL SELECT User, Host, 'proxy', Proxied_user, Proxied_host, '' FROM mysql.proxies_priv"
    " UNION ALL SELECT TO_USER, TO_HOST, 'role', FROM_USER, FROM_HOST, WITH_ADMIN_OPTION FROM mysql.role_edges"
    " UNION ALL SELECT USER, HOST, 'privilege', PRIV, '', WITH_GRANT_OPTION FROM mysql.global_grants"
)


def read_accounts(connection: Connection) -> tuple[tuple[AccountState, ...], bool]:
    """Read all accounts but roles, system accounts and the agent's own, sorted; and whether the marker exists.

    A role of the marker's name that has privileges, or a user of that name, is not the marker.
    """
    rows = connection.fetch_rows(SELECT_ACCOUNTS, READ_ACCOUNTS_OPERATION)
    privileges = read_privileges(connection, SELECT_OTHER_PRIVILEGES, _add_privilege)
    has_marker = privileges[MARKER_ACCOUNT].is_empty and any(
        _is_role(row) and read_account(row) == MARKER_ACCOUNT for row in rows
    )
    users = (row for row in rows if not _is_role(row) and not is_system_account(row, SYSTEM_USERS))
    states = (_build_state(row, privileges[read_account(row)], has_marker) for row in users)
    return tuple(sorted(states, key=lambda state: state.account)), has_marker


def read_revokes(
    connection: Connection, account: Account, desired: frozenset[str]
) -> Iterator[Statement | None]:
    """Read the privileges of an account, and build the statements that leave it none but the `desired` ones."""
    privileges = read_privileges(connection, SELECT_OTHER_PRIVILEGES, _add_privilege)
    return build_revokes(account, privileges[account], desired)


def _add_privilege(row: Row, privileges: AccountPrivileges) -> None:
    detail = Account(str(row["detail"]), str(row["detail2"]))
    with_option = row["detail3"] == "Y"
    match row["what"]:
        case "proxy":
            privileges.proxied_accounts.append(detail)
        case "role" if detail == MARKER_ACCOUNT and not with_option:
            privileges.has_marker = True
        case "role":
            privileges.roles.append(detail)
        case "privilege":
            privileges.global_privileges.add(detail.name)
            privileges.can_grant |= with_option
        case _:
            privileges.has_object_privileges = True


def _build_state(row: Row, privileges: AccountPrivileges, has_marker: bool) -> AccountState:
    return AccountState(
        account=read_account(row),
        plugin=_describe_plugins(row),
        password_hash=Secret(row["proof"] or ""),
        privileges=frozenset(privileges.global_privileges),
        has_other_privileges=privileges.has_other_privileges,
        is_marked=has_marker and privileges.has_marker,
        is_locked=row["locked"] == "Y",
        requires_tls=bool(row["ssl_type"]),
        requires_certificate=row["ssl_type"] in ("X509", "SPECIFIED"),
        retained_hash=Secret(row["retained"]) if row["retained"] else None,
        # An account without a lifetime of its own has the server's default_password_lifetime.
        is_limited=(row["lifetime"], row["limits"], row["attempts"]) != ("0", "0", "0"),
        copy_note=parse_copy_note(row["attribute"]),
    )


def _describe_plugins(row: Row) -> str:
    """Return the plugin, with a note about further factors or an expired password.

    No single password verifies such an account.
    """
    plugin = row["plugin"] or "none"
    if row["ways"] == "1":
        return f"{plugin} or another"
    return f"{plugin}{EXPIRED_SUFFIX}" if row["expired"] == "Y" else plugin


def _is_role(row: Row) -> bool:
    return row["locked"] == "Y" and row["expired"] == "Y" and not row["proof"]
