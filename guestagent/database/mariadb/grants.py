"""Accounts of a MariaDB and their privileges: all of them read in a few queries and joined here.

Joined here and not by the server: its comparisons of names ignore case, and it does not quote `grantee` correctly.
"""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.database.account_marker import MARKER_ROLE
from guestagent.database.connection import Connection
from guestagent.database.driver import Row
from guestagent.database.mariadb.statements import AUTH_PLUGIN
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

SYSTEM_USERS = frozenset({"root", "mysql", "mariadb.sys"})
MARKER_ACCOUNT = Account(MARKER_ROLE, "")
CERTIFICATE_SSL_TYPES = frozenset({"2", "3"})
"""X509, and a certificate of a certain subject or issuer."""

SELECT_ACCOUNTS = sql(
    "SELECT User, Host, json_value(Priv, '$.is_role') AS is_role, json_value(Priv, '$.plugin') AS plugin,"
    " json_value(Priv, '$.authentication_string') AS proof, json_length(Priv, '$.auth_or') AS ways,"
    " json_value(Priv, '$.auth_or[1].plugin') AS plugin2,"
    " json_value(Priv, '$.auth_or[1].authentication_string') AS proof2,"
    " json_value(Priv, '$.password_lifetime') AS lifetime, json_value(Priv, '$.password_last_changed') AS changed,"
    " CONCAT_WS(',', json_value(Priv, '$.max_questions'), json_value(Priv, '$.max_updates'),"
    " json_value(Priv, '$.max_connections'), json_value(Priv, '$.max_user_connections')) AS limits,"
    " json_value(Priv, '$.ssl_type') AS ssl_type, json_value(Priv, '$.account_locked') AS locked,"
    " json_value(Priv, '$.access') AS access, CONCAT(User, '@', Host) = CURRENT_USER() AS own FROM mysql.global_priv"
)
SELECT_OTHER_PRIVILEGES = sql(
    "SELECT User, Host, 'schema' AS what, '' AS detail, '' AS detail2 FROM mysql.db"
    " UNION ALL SELECT User, Host, 'table', '', '' FROM mysql.tables_priv"
    " UNION ALL SELECT User, Host, 'column', '', '' FROM mysql.columns_priv"
    " UNION ALL SELECT User, Host, 'routine', '', '' FROM mysql.procs_priv"
    " UNION ALL SELECT User, Host, 'proxy', Proxied_user, Proxied_host FROM mysql.proxies_priv"
    " UNION ALL SELECT User, Host, 'role', Role, Admin_option FROM mysql.roles_mapping"
)


def read_accounts(connection: Connection) -> tuple[tuple[AccountState, ...], bool]:
    """Read all accounts but roles, system accounts and the agent's own, sorted; and whether the marker exists.

    A role of the marker's name that has privileges is not the marker.
    """
    rows = connection.fetch_rows(SELECT_ACCOUNTS, READ_ACCOUNTS_OPERATION)
    privileges = read_privileges(connection, SELECT_OTHER_PRIVILEGES, _add_privilege)
    has_marker = privileges[MARKER_ACCOUNT].is_empty and any(_is_empty_marker(row) for row in rows)
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
    """Count a role like privileges on objects: REVOKE ALL revokes both."""
    if row["what"] == "proxy":
        privileges.proxied_accounts.append(Account(str(row["detail"]), str(row["detail2"])))
    elif (row["what"], row["detail"], row["detail2"]) == ("role", MARKER_ROLE, "N"):
        privileges.has_marker = True
    else:
        privileges.has_object_privileges = True


def _build_state(row: Row, privileges: AccountPrivileges, has_marker: bool) -> AccountState:
    return AccountState(
        account=read_account(row),
        plugin=_describe_plugins(row),
        password_hash=Secret(row["proof"] or ""),
        retained_hash=Secret(row["proof2"] or "") if _retains_password(row) else None,
        privileges=frozenset(privileges.global_privileges),
        has_other_privileges=privileges.has_other_privileges,
        is_marked=has_marker and privileges.has_marker,
        is_locked=row["locked"] in ("true", "1"),
        requires_tls=(row["ssl_type"] or "0") != "0",
        requires_certificate=(row["ssl_type"] or "0") in CERTIFICATE_SSL_TYPES,
        # An account without a lifetime of its own has the server's default_password_lifetime.
        is_limited=row["lifetime"] != "0" or any(int(limit) for limit in (row["limits"] or "0").split(",")),
    )


def _describe_plugins(row: Row) -> str:
    """Return the plugin, with a note about an alternative (`VIA .. OR ..`) or an expired password.

    A retained password is no alternative. An expired password verifies nothing until it is set again.
    """
    plugin = row["plugin"] or "none"
    if row["changed"] == "0":
        return f"{plugin}{EXPIRED_SUFFIX}"
    # A list with one entry is the plugin itself: an ALTER USER that removes the alternatives leaves it.
    has_alternative = int(row["ways"] or 0) > 1 and not _retains_password(row)
    return f"{plugin} or another" if has_alternative else plugin


def _retains_password(row: Row) -> bool:
    """Return whether there are exactly two passwords, both of the plugin that the agent uses."""
    return (row["ways"], row["plugin"], row["plugin2"]) == ("2", AUTH_PLUGIN, AUTH_PLUGIN)


def _is_empty_marker(row: Row) -> bool:
    """Check the role's global privileges in its row: `user_privileges` has no rows for roles."""
    return _is_role(row) and row["User"] == MARKER_ROLE and (row["access"] or "0") == "0"


def _is_role(row: Row) -> bool:
    return row["is_role"] in ("true", "1")
