"""How an account on the server differs from the desired one. Pure."""

from __future__ import annotations

from guestagent.agent.desired_accounts import DesiredAccount
from guestagent.agent.journal_state import JournalState
from guestagent.database.account_purpose import AccountPurpose
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import (
    EXPIRED_SUFFIX,
    AccountState,
    ServerState,
)
from guestagent.metadata.document import UnresolvedFunction
from guestagent.secret import Secret


def has_unknown_password(account: AccountState, memory: JournalState) -> bool:
    """Return whether the account has a second password that the agent did not retain."""
    return account.retained_hash is not None and not memory.can_be_agent_password(
        account.account, account.retained_hash
    )


def has_desired_password(wish: DesiredAccount, account: AccountState, dialect: SqlDialect) -> bool:
    """Return whether the stored password is the desired one; a template function never is."""
    is_expired = account.plugin.endswith(EXPIRED_SUFFIX)
    return not is_expired and is_desired_hash(wish, account, account.password_hash, dialect)


def has_exact_privileges(wish: DesiredAccount, account: AccountState, dialect: SqlDialect) -> bool:
    """Return whether the account has exactly the privileges of its purpose."""
    return account.privileges == dialect.get_privileges(wish.purpose) and not account.has_other_privileges


def has_gained_purpose(wish: DesiredAccount, account: AccountState, dialect: SqlDialect) -> bool:
    """Return whether this was a replication account, and the document now gives its name another purpose."""
    return wish.purpose is not AccountPurpose.REPLICATION and account.privileges == dialect.get_privileges(
        AccountPurpose.REPLICATION
    )


def has_copy_note(wish: DesiredAccount, account: AccountState, server: ServerState) -> bool:
    """Return whether a donor account says what a clone of the server would lack. The others need not."""
    return wish.purpose is not AccountPurpose.CLONE or account.copy_note == server.copy_note


def has_desired_encryption(wish: DesiredAccount, account: AccountState) -> bool:
    """Return whether the account requires the desired encryption."""
    requirements = (account.requires_tls, account.requires_certificate)
    return requirements == (wish.requires_tls or wish.requires_certificate, wish.requires_certificate)


def is_desired_hash(
    wish: DesiredAccount, account: AccountState, password_hash: Secret, dialect: SqlDialect
) -> bool:
    """Return whether a stored hash is that of the desired password."""
    password = wish.password
    return not isinstance(password, UnresolvedFunction) and dialect.verify_password(
        account.plugin, password_hash, password
    )
