"""The steps that a source's accounts need, and how far their stored passwords and privileges are as desired. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from guestagent.agent.account_drift import (
    has_copy_note,
    has_desired_encryption,
    has_desired_password,
    has_exact_privileges,
    has_gained_purpose,
    has_unknown_password,
    is_desired_hash,
)
from guestagent.agent.account_ownership import is_managed
from guestagent.agent.desired_accounts import DONOR_PURPOSES, DesiredAccount
from guestagent.agent.journal_state import MARKER_ACCOUNT, JournalState
from guestagent.agent.model import DesiredState, ObservedState
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import (
    EXPIRED_SUFFIX,
    Account,
    AccountState,
    ServerState,
)
from guestagent.database.steps import (
    CreateAccount,
    DiscardPassword,
    DropAccount,
    RemakeAccount,
    SetCopyNote,
    SetDemand,
    SetPassword,
    SetPrivileges,
    Step,
)

BLOCKED_ERRORS = frozenset({3955, 4150})
"""Too many failed logins, from any client. An ALTER USER unblocks the account."""


def find_blocked_accounts(observed: ObservedState) -> frozenset[Account]:
    """Return the accounts that were blocked at the last tried login."""
    return frozenset(
        account
        for account, error in observed.login_errors.items()
        if error is not None and error.number in BLOCKED_ERRORS
    )


def plan_account_steps(
    desired: DesiredState,
    server: ServerState,
    memory: JournalState,
    dialect: SqlDialect,
    blocked_accounts: frozenset[Account],
) -> Iterator[Step]:
    """Plan creations first, because a replica waits for them. Drops come last: a renamed user must not leave a gap.

    On a server that logs account statements separately, interrupted work is repeated as a whole: whatever the replicas
    have of it, they end with the same.
    """
    unfinished = find_unlogged_accounts(memory, dialect)
    for wish in desired.accounts:
        account = server.find_account(wish.account)
        if wish.account in unfinished:
            yield _plan_remake(desired, wish, account, memory, dialect)
        elif account is None:
            yield CreateAccount(
                wish.account, wish.password, wish.requires_tls, wish.requires_certificate, wish.purpose
            )
        elif is_managed(account, memory):
            is_blocked = account.account in blocked_accounts
            yield from _plan_password_steps(desired, wish, account, memory, dialect, is_blocked=is_blocked)
            if not has_exact_privileges(wish, account, dialect) or not account.is_marked:
                yield SetPrivileges(wish.account, wish.purpose)
            if server.copy_note is not None and not has_copy_note(wish, account, server):
                yield SetCopyNote(wish.account, server.copy_note)
    desired_names = {wish.account for wish in desired.accounts}
    for account in server.accounts:
        if is_managed(account, memory) and account.account not in desired_names | unfinished:
            yield DropAccount(account.account)
    for name in sorted(unfinished - desired_names):
        yield DropAccount(name, if_exists=True)


def plan_donor_drops(
    desired: DesiredState, server: ServerState, memory: JournalState, dialect: SqlDialect
) -> Iterator[DropAccount]:
    """Plan the drops of donor accounts that are not desired. Such an account is known by its privileges."""
    desired_names = {wish.account for wish in desired.accounts}
    privileges = {
        dialect.get_privileges(purpose)
        for (family, _), purpose in DONOR_PURPOSES.items()
        if family == dialect.family
    }
    for account in server.accounts:
        if account.account in desired_names | find_unlogged_accounts(memory, dialect):
            continue
        if is_managed(account, memory) and account.privileges in privileges:
            yield DropAccount(account.account)


def find_unlogged_accounts(memory: JournalState, dialect: SqlDialect) -> frozenset[Account]:
    """Return the accounts on which the server's binary log and its tables may disagree."""
    return frozenset() if dialect.has_atomic_accounts else memory.unfinished - {MARKER_ACCOUNT}


def _plan_remake(
    desired: DesiredState,
    wish: DesiredAccount,
    account: AccountState | None,
    memory: JournalState,
    dialect: SqlDialect,
) -> RemakeAccount:
    step = RemakeAccount(
        wish.account, wish.password, wish.requires_tls, wish.requires_certificate, purpose=wish.purpose
    )
    if account is None:
        return step
    if not has_desired_password(wish, account, dialect):
        return replace(step, retained_hash=_plan_replacement(wish, account, memory, dialect).retained_hash)
    if _is_retention_over(desired, account, memory) or has_unknown_password(account, memory):
        return step
    return replace(step, retained_hash=account.retained_hash)


def _plan_password_steps(
    desired: DesiredState,
    wish: DesiredAccount,
    account: AccountState,
    memory: JournalState,
    dialect: SqlDialect,
    *,
    is_blocked: bool,
) -> Iterator[Step]:
    """Keep a replaced password valid until the replicas use the new one, which a later generation confirms.

    A password that was set by hand is drift: it is removed at once.
    """
    if not has_desired_password(wish, account, dialect):
        yield _plan_replacement(wish, account, memory, dialect)
        return
    if is_blocked or account.is_limited or not has_desired_encryption(wish, account):
        yield SetDemand(wish.account, wish.requires_tls, wish.requires_certificate)
    if account.retained_hash is not None and (
        _is_retention_over(desired, account, memory) or has_unknown_password(account, memory)
    ):
        yield DiscardPassword(wish.account, account.password_hash)


def _is_retention_over(desired: DesiredState, account: AccountState, memory: JournalState) -> bool:
    return not desired.retain_passwords and memory.has_stale_password(account.account)


def _plan_replacement(
    wish: DesiredAccount, account: AccountState, memory: JournalState, dialect: SqlDialect
) -> SetPassword:
    """Set the desired password, and keep the one that the agent gave the account last.

    A replica may still log in with that one. It is the present password, or the second one beside a password that was
    set by hand. But whoever had the password of a replication account must not get the privileges of another purpose.
    """
    step = SetPassword(wish.account, wish.password, wish.requires_tls, wish.requires_certificate)
    if has_gained_purpose(wish, account, dialect):
        return step
    if account.plugin.removesuffix(EXPIRED_SUFFIX) != dialect.plugin:
        return step
    # The password is the desired one, but has expired.
    is_renewal = is_desired_hash(
        wish, replace(account, plugin=dialect.plugin), account.password_hash, dialect
    )
    if (
        not is_renewal
        and account.password_hash
        and memory.can_be_agent_password(account.account, account.password_hash)
    ):
        return replace(step, current_hash=account.password_hash)
    if (
        account.retained_hash is None
        or has_unknown_password(account, memory)
        or is_desired_hash(wish, account, account.retained_hash, dialect)
    ):
        return step
    return replace(step, kept_hash=account.retained_hash)


def find_confirmed_accounts(
    desired: DesiredState, server: ServerState, memory: JournalState, dialect: SqlDialect
) -> Iterator[AccountState]:
    """Find managed accounts that the journal should learn: they have the desired password.

    Beside it they have at most one that the agent has retained.
    """
    for wish in desired.accounts:
        account = server.find_account(wish.account)
        # Verifying a password is expensive, so a known one is not verified again for this.
        if (
            account is None
            or not is_managed(account, memory)
            or memory.has_agent_passwords(account)
            or has_unknown_password(account, memory)
        ):
            continue
        if has_desired_password(wish, account, dialect):
            yield account


def find_retaining_accounts(
    desired: DesiredState, server: ServerState, memory: JournalState
) -> Iterator[Account]:
    """Find desired accounts with an old password that the agent retained, or may have."""
    for wish in desired.accounts:
        account = server.find_account(wish.account)
        if (
            account is not None
            and account.retained_hash is not None
            and not has_unknown_password(account, memory)
        ):
            yield account.account
