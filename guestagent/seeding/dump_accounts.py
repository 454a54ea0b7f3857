"""Accounts of a source as statements for its replica, with password hashes, roles and privileges. Pure.

All of them are copied, also those of the source's agent: a later ALTER USER or DROP USER of one that is missing here
would stop the channel.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from guestagent.database.account_hosts import LOCAL_HOSTS

PUBLIC_ROLE = "PUBLIC"
"""MariaDB's role that every account has. It exists by itself, and its name is a word."""


@dataclass(frozen=True, slots=True)
class AccountName:
    """An account, or a role. A role of MariaDB has no host."""

    user: str
    host: str
    is_role: bool = False

    def __str__(self) -> str:
        """Return the name as a statement has it."""
        if self.is_role:
            return self.user if self.user == PUBLIC_ROLE else quote_name(self.user)
        return f"{quote_name(self.user)}@{quote_name(self.host)}"

    def is_system(self, system_users: frozenset[str]) -> bool:
        """Return whether each server has its own account of this name, from its installation."""
        return not self.is_role and self.user in system_users and self.host in LOCAL_HOSTS


@dataclass(frozen=True, slots=True)
class AccountDefinition:
    """An account with the statements that create it, and those that give it its privileges. They have hashes."""

    name: AccountName
    creation: str = field(repr=False)
    grants: tuple[str, ...] = field(repr=False)

    @property
    def has_default_role(self) -> bool:
        return " DEFAULT ROLE " in self.creation


def build_account_statements(accounts: Iterable[AccountDefinition]) -> tuple[str, ...]:
    """Build the statements that create the accounts. Roles come before the accounts that have them."""
    ordered = sorted(
        accounts, key=lambda account: (not account.name.is_role, account.has_default_role, str(account.name))
    )
    creations = tuple(account.creation for account in ordered if account.creation)
    return creations + tuple(grant for account in ordered for grant in account.grants)


def build_drop(name: AccountName) -> str:
    """Build the statement that removes an account; "" if it cannot be removed."""
    if not name.is_role:
        return f"DROP USER IF EXISTS {name}"
    return "" if name.user == PUBLIC_ROLE else f"DROP ROLE IF EXISTS {name}"


def build_role_creation(name: AccountName) -> str:
    """Build the statement that creates a role; "" if it exists by itself."""
    return "" if name.user == PUBLIC_ROLE else f"CREATE ROLE {name}"


def quote_name(text: str) -> str:
    """Quote an identifier."""
    return "`" + text.replace("`", "``") + "`"
