"""Privileges of accounts: the part of reading and revoking them that the families share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from guestagent.database.account_hosts import LOCAL_HOSTS
from guestagent.database.connection import Connection
from guestagent.database.driver import Row
from guestagent.database.sql_statement import Statement, sql
from guestagent.database.state import Account

READ_ACCOUNTS_OPERATION = "reading the accounts"


SELECT_GLOBAL_PRIVILEGES = sql(
    "SELECT grantee, privilege_type, is_grantable FROM information_schema.user_privileges"
)


@dataclass(slots=True)
class AccountPrivileges:
    """The privileges of one account.

    `has_object_privileges`: on a schema, table, column or routine. `has_marker`: it has the agent's marker role, which
    is not among `roles`.
    """

    global_privileges: set[str] = field(default_factory=set)
    can_grant: bool = False
    has_marker: bool = False
    has_object_privileges: bool = False
    roles: list[Account] = field(default_factory=list)
    proxied_accounts: list[Account] = field(default_factory=list)

    @property
    def has_other_privileges(self) -> bool:
        """Whether the account has privileges besides global ones and the marker."""
        return self.has_object_privileges or self.can_grant or bool(self.roles) or bool(self.proxied_accounts)

    @property
    def is_empty(self) -> bool:
        return not (self.global_privileges or self.has_marker or self.has_other_privileges)


PrivilegesByAccount = defaultdict[Account, AccountPrivileges]


def read_privileges(
    connection: Connection, select_others: Statement, add_row: Callable[[Row, AccountPrivileges], None]
) -> PrivilegesByAccount:
    """Read the privileges of all accounts that have any.

    `select_others` selects those that are not global, and `add_row` adds a row of it to its account's privileges.
    """
    privileges: PrivilegesByAccount = defaultdict(AccountPrivileges)
    for row in connection.fetch_rows(SELECT_GLOBAL_PRIVILEGES, READ_ACCOUNTS_OPERATION):
        grantee = privileges[Account.parse_grantee(str(row["grantee"]))]
        grantee.global_privileges |= {str(row["privilege_type"])} - {"USAGE"}
        grantee.can_grant |= row["is_grantable"] == "YES"
    for row in connection.fetch_rows(select_others, READ_ACCOUNTS_OPERATION):
        add_row(row, privileges[read_account(row)])
    return privileges


def build_revokes(
    account: Account, privileges: AccountPrivileges, desired: frozenset[str]
) -> Iterator[Statement | None]:
    """Build the statements that leave an account nothing but the `desired` privileges. None stands for its REVOKE ALL.

    REVOKE ALL keeps proxies, and in MySQL roles.
    """
    if privileges.global_privileges - desired or privileges.has_object_privileges or privileges.can_grant:
        yield None
    for role in privileges.roles:
        yield sql("REVOKE {} FROM {}", role, account)
    for proxied_account in privileges.proxied_accounts:
        yield sql("REVOKE PROXY ON {} FROM {}", proxied_account, account)


def is_system_account(row: Row, system_users: frozenset[str]) -> bool:
    """Return whether the installer made this account, or the agent is logged in as it."""
    return row["own"] == "1" or (row["User"] in system_users and row["Host"] in LOCAL_HOSTS)


def read_account(row: Row) -> Account:
    """Return the account of a row of a grant table."""
    return Account(str(row["User"]), str(row["Host"]))
