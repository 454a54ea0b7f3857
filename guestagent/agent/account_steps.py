"""Deciding what a source's accounts need: whose they are, what is stored of their passwords, which steps. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from guestagent.agent.journal_state import MARKER_ACCOUNT, JournalState
from guestagent.agent.model import DesiredAccount, DesiredState, ObservedState
from guestagent.database.protocols import SqlDialect
from guestagent.database.state import (
    EXPIRED_SUFFIX,
    REPLICATION_PRIVILEGES,
    Account,
    AccountState,
    ServerState,
)
from guestagent.database.steps import (
    CreateAccount,
    DiscardPassword,
    DropAccount,
    RemakeAccount,
    SetDemand,
    SetPassword,
    SetPrivileges,
    Step,
)
from guestagent.metadata.document import UnresolvedFunction
from guestagent.secret import Secret

BLOCKED_ERRORS = frozenset({3955, 4150})
"""Too many failed logins, whoever made them. An ALTER USER lets the account in again."""


def find_blocked_accounts(observed: ObservedState) -> frozenset[Account]:
    """Return the accounts that the last tried login found blocked."""
    tried = observed.login_errors.items()
    return frozenset(
        account for account, error in tried if error is not None and error.number in BLOCKED_ERRORS
    )


def plan_account_steps(
    desired: DesiredState,
    server: ServerState,
    memory: JournalState,
    dialect: SqlDialect,
    blocked: frozenset[Account] = frozenset(),
) -> Iterator[Step]:
    """Creations first: a replica waits for them. Drops last: a renamed user must not leave a gap.

    What was interrupted on a server that logs accounts apart is done anew as a whole: whatever the replicas have of it,
    they end with the same.
    """
    unfinished = find_unlogged_accounts(memory, dialect)
    for wanted in desired.accounts:
        seen = server.find_account(wanted.account)
        if wanted.account in unfinished:
            yield _remaking(desired, wanted, seen, memory, dialect)
        elif seen is None:
            yield CreateAccount(
                wanted.account, wanted.password, wanted.requires_tls, wanted.requires_certificate
            )
        elif _ours(seen, memory):
            yield from _password_steps(
                desired, wanted, seen, memory, dialect, blocked=seen.account in blocked
            )
            if not has_exact_privileges(seen) or not seen.is_marked:
                yield SetPrivileges(wanted.account)
    kept = {wanted.account for wanted in desired.accounts}
    for seen in server.accounts:
        if _ours(seen, memory) and seen.account not in kept | unfinished:
            yield DropAccount(seen.account)
    for account in sorted(unfinished - kept):
        yield DropAccount(account, if_exists=True)


def find_unlogged_accounts(memory: JournalState, dialect: SqlDialect) -> frozenset[Account]:
    """The accounts of which the server's binary log may say something else than its tables."""
    return frozenset() if dialect.has_atomic_accounts else memory.unfinished - {MARKER_ACCOUNT}


def _remaking(
    desired: DesiredState,
    wanted: DesiredAccount,
    seen: AccountState | None,
    memory: JournalState,
    dialect: SqlDialect,
) -> RemakeAccount:
    step = RemakeAccount(wanted.account, wanted.password, wanted.requires_tls, wanted.requires_certificate)
    if seen is None:
        return step
    if not has_desired_password(wanted, seen, dialect):
        return replace(step, retained_hash=_replacing(wanted, seen, memory, dialect).retained_hash)
    over = not desired.retain_passwords and memory.has_stale_password(wanted.account)
    return (
        step
        if over or has_unknown_password(seen, memory)
        else replace(step, retained_hash=seen.retained_hash)
    )


def _password_steps(
    desired: DesiredState,
    wanted: DesiredAccount,
    seen: AccountState,
    memory: JournalState,
    dialect: SqlDialect,
    *,
    blocked: bool,
) -> Iterator[Step]:
    """A password that is replaced stays valid until the replica has moved, which a later generation tells.

    One that somebody else has set is drift: it goes at once.
    """
    if not has_desired_password(wanted, seen, dialect):
        yield _replacing(wanted, seen, memory, dialect)
        return
    if blocked or seen.is_limited or not has_desired_encryption(wanted, seen):
        yield SetDemand(wanted.account, wanted.requires_tls, wanted.requires_certificate)
    over = not desired.retain_passwords and memory.has_stale_password(wanted.account)
    if seen.retained_hash is not None and (over or has_unknown_password(seen, memory)):
        yield DiscardPassword(wanted.account, seen.password_hash)


def _replacing(
    wanted: DesiredAccount, seen: AccountState, memory: JournalState, dialect: SqlDialect
) -> SetPassword:
    """A replica may still come with the password that the agent gave the account last: the present one, or the one
    that somebody else's has left beside itself.
    """
    step = SetPassword(wanted.account, wanted.password, wanted.requires_tls, wanted.requires_certificate)
    if seen.plugin.removesuffix(EXPIRED_SUFFIX) != dialect.plugin:
        return step
    again = _proves(
        wanted, replace(seen, plugin=dialect.plugin), seen.password_hash, dialect
    )  # it has expired
    if not again and seen.password_hash and memory.can_be_agent_password(seen.account, seen.password_hash):
        return replace(step, current_hash=seen.password_hash)
    if (
        seen.retained_hash is None
        or has_unknown_password(seen, memory)
        or _proves(wanted, seen, seen.retained_hash, dialect)
    ):
        return step
    return replace(step, kept_hash=seen.retained_hash)


def find_confirmed_accounts(
    desired: DesiredState, server: ServerState, memory: JournalState, dialect: SqlDialect
) -> Iterator[AccountState]:
    """What is new of accounts of ours: the wanted password, and beside it at most one that the agent has retained."""
    for wanted in desired.accounts:
        seen = server.find_account(wanted.account)
        # To prove a password is dear, so one that is known is not proved again for this.
        if (
            seen is None
            or not _ours(seen, memory)
            or memory.has_agent_passwords(seen)
            or has_unknown_password(seen, memory)
        ):
            continue
        if has_desired_password(wanted, seen, dialect):
            yield seen


def find_retaining_accounts(
    desired: DesiredState, server: ServerState, memory: JournalState
) -> Iterator[Account]:
    """Wanted accounts with an old password that the agent retained, or may have."""
    for wanted in desired.accounts:
        seen = server.find_account(wanted.account)
        if seen is not None and seen.retained_hash is not None and not has_unknown_password(seen, memory):
            yield seen.account


def has_unknown_password(seen: AccountState, memory: JournalState) -> bool:
    """Whether the account has a second password that the agent did not retain."""
    return seen.retained_hash is not None and not memory.can_be_agent_password(
        seen.account, seen.retained_hash
    )


def has_account_conflict(
    wanted: DesiredAccount, server: ServerState, memory: JournalState, dialect: SqlDialect
) -> bool:
    """Whether somebody else's account stands where ours should, and is not the same in all that counts."""
    seen = server.find_account(wanted.account)
    if seen is None or _ours(seen, memory):
        return False
    lax = (wanted.requires_tls and not seen.requires_tls) or (
        wanted.requires_certificate and not seen.requires_certificate
    )
    return (
        seen.is_locked
        or lax
        or not (has_desired_password(wanted, seen, dialect) and has_exact_privileges(seen))
    )


def has_desired_password(wanted: DesiredAccount, seen: AccountState, dialect: SqlDialect) -> bool:
    """Whether the stored password is the wanted one; a template function is never proved."""
    return not seen.plugin.endswith(EXPIRED_SUFFIX) and _proves(wanted, seen, seen.password_hash, dialect)


def has_exact_privileges(seen: AccountState) -> bool:
    """Whether the account may do exactly what a replica needs."""
    return seen.privileges == REPLICATION_PRIVILEGES and not seen.has_other_privileges


def has_desired_encryption(wanted: DesiredAccount, seen: AccountState) -> bool:
    """Whether the account demands to be reached as it is wanted."""
    demanded = (seen.requires_tls, seen.requires_certificate)
    return demanded == (wanted.requires_tls or wanted.requires_certificate, wanted.requires_certificate)


def _proves(wanted: DesiredAccount, seen: AccountState, proof: Secret, dialect: SqlDialect) -> bool:
    password = wanted.password
    return not isinstance(password, UnresolvedFunction) and dialect.verify_password(
        seen.plugin, proof, password
    )


def _ours(seen: AccountState, memory: JournalState) -> bool:
    return seen.is_marked or seen.account in memory.accounts
