"""Which accounts the agent manages, and which of others' accounts conflict with its own. Pure."""

from __future__ import annotations

from guestagent.agent.account_drift import has_desired_password, has_exact_privileges
from guestagent.agent.desired_accounts import DesiredAccount
from guestagent.agent.journal_state import JournalState
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import (
    AccountState,
    ServerState,
)


def has_account_conflict(
    wish: DesiredAccount, server: ServerState, memory: JournalState, dialect: SqlDialect
) -> bool:
    """Return whether an account that the agent does not manage has this name and differs in anything that counts."""
    account = server.find_account(wish.account)
    if account is None or is_managed(account, memory):
        return False
    lacks_encryption = (wish.requires_tls and not account.requires_tls) or (
        wish.requires_certificate and not account.requires_certificate
    )
    return (
        account.is_locked
        or lacks_encryption
        or not (has_desired_password(wish, account, dialect) and has_exact_privileges(wish, account, dialect))
    )


def is_managed(account: AccountState, memory: JournalState) -> bool:
    """Return whether the agent made the account: it bears the agent's mark, or the journal names it."""
    return account.is_marked or account.account in memory.accounts
