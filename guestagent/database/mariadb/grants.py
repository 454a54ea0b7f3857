"""Who may log in to a MariaDB, and with which rights: read whole, in a few queries, joined here.

Joined here and not by the server: its own comparisons of names ignore case, and `grantee` is not quoted well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from guestagent.database.connection import Connection
from guestagent.database.driver import Row
from guestagent.database.mariadb.statements import AUTH_PLUGIN, MARKER_ROLE
from guestagent.database.sql_statement import Statement, sql
from guestagent.database.state import EXPIRED_SUFFIX, REPLICATION_PRIVILEGES, Account, AccountState
from guestagent.secret import Secret

OPERATION = "looking at the accounts"

SYSTEM_USERS = frozenset({"root", "mysql", "mariadb.sys"})
MARKER_ACCOUNT = Account(MARKER_ROLE, "")
CERTIFICATE_SSL_TYPES = frozenset({"2", "3"})
"""X509, and one of a certain subject or issuer."""
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

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
SELECT_GLOBAL_PRIVILEGES = sql(
    "SELECT grantee, privilege_type, is_grantable FROM information_schema.user_privileges"
)
SELECT_OTHER_PRIVILEGES = sql(
    "SELECT User, Host, 'schema' AS what, '' AS detail, '' AS detail2 FROM mysql.db"
    " UNION ALL SELECT User, Host, 'table', '', '' FROM mysql.tables_priv"
    " UNION ALL SELECT User, Host, 'column', '', '' FROM mysql.columns_priv"
    " UNION ALL SELECT User, Host, 'routine', '', '' FROM mysql.procs_priv"
    " UNION ALL SELECT User, Host, 'proxy', Proxied_user, Proxied_host FROM mysql.proxies_priv"
    " UNION ALL SELECT User, Host, 'role', Role, Admin_option FROM mysql.roles_mapping"
)


@dataclass(slots=True)
class _Rights:
    privileges: set[str] = field(default_factory=set)
    grantable: bool = False
    marked: bool = False
    others: bool = False
    proxied: list[Account] = field(default_factory=list)


def read_accounts(connection: Connection) -> tuple[tuple[AccountState, ...], bool]:
    """All but the system's own accounts and ours, sorted; and whether the agent's mark exists.

    A role of that name which gives rights is somebody else's, and marks nothing.
    """
    identities = connection.fetch_rows(SELECT_ACCOUNTS, OPERATION)
    rights = _rights(connection)
    marker = any(_marker(row) for row in identities) and _empty(rights[MARKER_ACCOUNT])
    users = (row for row in identities if not _role(row) and not _system(row))
    found = (_state(row, rights[_account(row)], marker) for row in users)
    return tuple(sorted(found, key=lambda state: state.account)), marker


def build_revokes(connection: Connection, account: Account) -> Iterator[Statement | None]:
    """What takes from an account all but exactly REPLICATION SLAVE. None stands for its REVOKE ALL.

    That one takes roles along, but leaves proxies.
    """
    rights = _rights(connection)[account]
    if rights.privileges - REPLICATION_PRIVILEGES or rights.others or rights.grantable:
        yield None
    for proxied in rights.proxied:
        yield sql("REVOKE PROXY ON {} FROM {}", proxied, account)


def _rights(connection: Connection) -> defaultdict[Account, _Rights]:
    """The rights of everybody who has any, the mark told from other roles."""
    found: defaultdict[Account, _Rights] = defaultdict(_Rights)
    for row in connection.fetch_rows(SELECT_GLOBAL_PRIVILEGES, OPERATION):
        rights = found[Account.parse_grantee(str(row["grantee"]))]
        rights.privileges |= {str(row["privilege_type"])} - {"USAGE"}
        rights.grantable |= row["is_grantable"] == "YES"
    for row in connection.fetch_rows(SELECT_OTHER_PRIVILEGES, OPERATION):
        rights = found[_account(row)]
        if row["what"] == "proxy":
            rights.proxied.append(Account(str(row["detail"]), str(row["detail2"])))
        elif (row["what"], row["detail"], row["detail2"]) == ("role", MARKER_ROLE, "N"):
            rights.marked = True
        else:
            rights.others = True
    return found


def _state(row: Row, rights: _Rights, marker: bool) -> AccountState:
    return AccountState(
        account=_account(row),
        plugin=_plugins(row),
        password_hash=Secret(row["proof"] or ""),
        retained_hash=Secret(row["proof2"] or "") if _retains(row) else None,
        privileges=frozenset(rights.privileges),
        has_other_privileges=rights.others or rights.grantable or bool(rights.proxied),
        is_marked=marker and rights.marked,
        is_locked=row["locked"] in ("true", "1"),
        requires_tls=(row["ssl_type"] or "0") != "0",
        requires_certificate=(row["ssl_type"] or "0") in CERTIFICATE_SSL_TYPES,
        # Without a lifetime of its own it has the server's default_password_lifetime.
        is_limited=row["lifetime"] != "0" or any(int(limit) for limit in (row["limits"] or "0").split(",")),
    )


def _plugins(row: Row) -> str:
    """An account with a second way in (`VIA .. OR ..`) shows so, unless that is a retained password.

    So does an expired password: it proves nothing until it is set again.
    """
    plugin = row["plugin"] or "none"
    if row["changed"] == "0":
        return f"{plugin}{EXPIRED_SUFFIX}"
    # One way is the plugin itself: a list of it alone is what an ALTER USER leaves of several.
    return f"{plugin} or another" if int(row["ways"] or 0) > 1 and not _retains(row) else plugin


def _retains(row: Row) -> bool:
    """Two passwords of our own kind, and nothing else."""
    return (row["ways"], row["plugin"], row["plugin2"]) == ("2", AUTH_PLUGIN, AUTH_PLUGIN)


def _empty(rights: _Rights) -> bool:
    return not (rights.privileges or rights.others or rights.grantable or rights.proxied)


def _marker(row: Row) -> bool:
    """The mark's own global rights stand in its row alone: `user_privileges` leaves roles out."""
    return _role(row) and row["User"] == MARKER_ROLE and (row["access"] or "0") == "0"


def _role(row: Row) -> bool:
    return row["is_role"] in ("true", "1")


def _system(row: Row) -> bool:
    """The installer's accounts, and the one that we look as."""
    return row["own"] == "1" or (row["User"] in SYSTEM_USERS and row["Host"] in LOCAL_HOSTS)


def _account(row: Row) -> Account:
    return Account(str(row["User"]), str(row["Host"]))
