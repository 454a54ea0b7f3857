"""Who may log in to a MySQL, and with which rights: read whole, in a few queries, joined here.

Roles are accounts here: locked, expired and without a password.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from guestagent.database.connection import Connection
from guestagent.database.driver import Row
from guestagent.database.mysql.statements import MARKER_ACCOUNT
from guestagent.database.sql_statement import Statement, sql
from guestagent.database.state import EXPIRED_SUFFIX, REPLICATION_PRIVILEGES, Account, AccountState
from guestagent.secret import Secret

OPERATION = "looking at the accounts"

SYSTEM_USERS = frozenset({"root", "mysql.sys", "mysql.session", "mysql.infoschema", "debian-sys-maint"})
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})

SELECT_ACCOUNTS = sql(
    "SELECT User, Host, plugin, authentication_string AS proof, ssl_type, account_locked AS locked,"
    " password_expired AS expired, user_attributes->>'$.additional_password' AS retained,"
    " password_lifetime AS lifetime, max_questions + max_updates + max_connections + max_user_connections AS limits,"
    " COALESCE(user_attributes->>'$.Password_locking.failed_login_attempts', 0) AS attempts,"
    " user_attributes->>'$.multi_factor_authentication' IS NOT NULL AS ways,"
    " CONCAT(User, '@', Host) = CURRENT_USER() AS own FROM mysql.user"
)
SELECT_GLOBAL_PRIVILEGES = sql(
    "SELECT grantee, privilege_type, is_grantable FROM information_schema.user_privileges"
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


@dataclass(slots=True)
class _Rights:
    privileges: set[str] = field(default_factory=set)
    grantable: bool = False
    marked: bool = False
    others: bool = False
    roles: list[Account] = field(default_factory=list)
    proxied: list[Account] = field(default_factory=list)

    @property
    def more(self) -> bool:
        """Whether there is any but global privileges and the mark."""
        return self.others or self.grantable or bool(self.roles) or bool(self.proxied)


def read_accounts(connection: Connection) -> tuple[tuple[AccountState, ...], bool]:
    """All but roles, the system's own accounts and ours, sorted; and whether the agent's mark exists.

    A role of that name which gives rights, or a user, is somebody else's and marks nothing.
    """
    identities = connection.fetch_rows(SELECT_ACCOUNTS, OPERATION)
    rights = _rights(connection)
    empty = (
        not rights[MARKER_ACCOUNT].privileges
        and not rights[MARKER_ACCOUNT].marked
        and not rights[MARKER_ACCOUNT].more
    )
    marker = empty and any(_role(row) and _account(row) == MARKER_ACCOUNT for row in identities)
    users = (row for row in identities if not _role(row) and not _system(row))
    found = (_state(row, rights[_account(row)], marker) for row in users)
    return tuple(sorted(found, key=lambda state: state.account)), marker


def build_revokes(connection: Connection, account: Account) -> Iterator[Statement | None]:
    """What takes from an account all but exactly REPLICATION SLAVE. None stands for its REVOKE ALL.

    That one takes dynamic privileges along, but leaves roles and proxies.
    """
    rights = _rights(connection)[account]
    if rights.privileges - REPLICATION_PRIVILEGES or rights.others or rights.grantable:
        yield None
    for role in rights.roles:
        yield sql("REVOKE {} FROM {}", role, account)
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
        _add(row, found[_account(row)])
    return found


def _add(row: Row, rights: _Rights) -> None:
    detail = Account(str(row["detail"]), str(row["detail2"]))
    with_option = row["detail3"] == "Y"
    match row["what"]:
        case "proxy":
            rights.proxied.append(detail)
        case "role" if detail == MARKER_ACCOUNT and not with_option:
            rights.marked = True
        case "role":
            rights.roles.append(detail)
        case "privilege":
            rights.privileges.add(detail.name)
            rights.grantable |= with_option
        case _:
            rights.others = True


def _state(row: Row, rights: _Rights, marker: bool) -> AccountState:
    return AccountState(
        account=_account(row),
        plugin=_plugins(row),
        password_hash=Secret(row["proof"] or ""),
        privileges=frozenset(rights.privileges),
        has_other_privileges=rights.more,
        is_marked=marker and rights.marked,
        is_locked=row["locked"] == "Y",
        requires_tls=bool(row["ssl_type"]),
        requires_certificate=row["ssl_type"] in ("X509", "SPECIFIED"),
        retained_hash=Secret(row["retained"]) if row["retained"] else None,
        # Without a lifetime of its own it has the server's default_password_lifetime.
        is_limited=(row["lifetime"], row["limits"], row["attempts"]) != ("0", "0", "0"),
    )


def _plugins(row: Row) -> str:
    """A further factor shows so, and an expired password: no single password proves such an account."""
    plugin = row["plugin"] or "none"
    if row["ways"] == "1":
        return f"{plugin} or another"
    return f"{plugin}{EXPIRED_SUFFIX}" if row["expired"] == "Y" else plugin


def _role(row: Row) -> bool:
    return row["locked"] == "Y" and row["expired"] == "Y" and not row["proof"]


def _system(row: Row) -> bool:
    """The installer's accounts, and the one that we look as."""
    return row["own"] == "1" or (row["User"] in SYSTEM_USERS and row["Host"] in LOCAL_HOSTS)


def _account(row: Row) -> Account:
    return Account(str(row["User"]), str(row["Host"]))
