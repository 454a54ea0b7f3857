"""Deciding what a source's accounts need: whose they are, what is stored of their passwords, which steps. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from guestagent.agent.journal_memory import MARK, Memory
from guestagent.agent.model import Desired, Observed, WantedAccount
from guestagent.database.edge import Dialect
from guestagent.database.state import EXPIRED, REPLICATION, Account, AccountState, ServerState
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
from guestagent.metadata.document import Unresolved
from guestagent.secret import Secret

BLOCKED = frozenset({3955, 4150})
"""Too many failed logins, whoever made them. An ALTER USER lets the account in again."""


def find_blocked(observed: Observed) -> frozenset[Account]:
    """Return the accounts that the last tried login found blocked."""
    tried = observed.logins.items()
    return frozenset(account for account, error in tried if error is not None and error.number in BLOCKED)


def account_steps(
    desired: Desired,
    server: ServerState,
    memory: Memory,
    dialect: Dialect,
    blocked: frozenset[Account] = frozenset(),
) -> Iterator[Step]:
    """Creations first: a replica waits for them. Drops last: a renamed user must not leave a gap.

    What was interrupted on a server that logs accounts apart is done anew as a whole: whatever the replicas have of it,
    they end with the same.
    """
    unfinished = unlogged(memory, dialect)
    for wanted in desired.accounts:
        seen = server.account(wanted.account)
        if wanted.account in unfinished:
            yield _remaking(desired, wanted, seen, memory, dialect)
        elif seen is None:
            yield CreateAccount(wanted.account, wanted.password, wanted.tls, wanted.certificate)
        elif _ours(seen, memory):
            yield from _password_steps(desired, wanted, seen, memory, dialect, blocked=seen.account in blocked)
            if not exact(seen) or not seen.marked:
                yield SetPrivileges(wanted.account)
    kept = {wanted.account for wanted in desired.accounts}
    for seen in server.accounts:
        if _ours(seen, memory) and seen.account not in kept | unfinished:
            yield DropAccount(seen.account)
    for account in sorted(unfinished - kept):
        yield DropAccount(account, again=True)


def unlogged(memory: Memory, dialect: Dialect) -> frozenset[Account]:
    """The accounts of which the server's binary log may say something else than its tables."""
    return frozenset() if dialect.atomic_accounts else memory.unfinished - {MARK}


def _remaking(
    desired: Desired, wanted: WantedAccount, seen: AccountState | None, memory: Memory, dialect: Dialect
) -> RemakeAccount:
    step = RemakeAccount(wanted.account, wanted.password, wanted.tls, wanted.certificate)
    if seen is None:
        return step
    if not proved(wanted, seen, dialect):
        return replace(step, beside=_replacing(wanted, seen, memory, dialect).beside)
    over = not desired.retain and memory.outlived(wanted.account)
    return step if over or strange(seen, memory) else replace(step, beside=seen.retained)


def _password_steps(
    desired: Desired, wanted: WantedAccount, seen: AccountState, memory: Memory, dialect: Dialect, *, blocked: bool
) -> Iterator[Step]:
    """A password that is replaced stays valid until the replica has moved, which a later generation tells.

    One that somebody else has set is drift: it goes at once.
    """
    if not proved(wanted, seen, dialect):
        yield _replacing(wanted, seen, memory, dialect)
        return
    if blocked or seen.limited or not guarded(wanted, seen):
        yield SetDemand(wanted.account, wanted.tls, wanted.certificate)
    over = not desired.retain and memory.outlived(wanted.account)
    if seen.retained is not None and (over or strange(seen, memory)):
        yield DiscardPassword(wanted.account, seen.proof)


def _replacing(wanted: WantedAccount, seen: AccountState, memory: Memory, dialect: Dialect) -> SetPassword:
    """A replica may still come with the password that the agent gave the account last: the present one, or the one
    that somebody else's has left beside itself.
    """
    step = SetPassword(wanted.account, wanted.password, wanted.tls, wanted.certificate)
    if seen.plugin.removesuffix(EXPIRED) != dialect.plugin:
        return step
    again = _proves(wanted, replace(seen, plugin=dialect.plugin), seen.proof, dialect)  # it has expired
    if not again and seen.proof and memory.gave(seen.account, seen.proof):
        return replace(step, retained=seen.proof)
    if seen.retained is None or strange(seen, memory) or _proves(wanted, seen, seen.retained, dialect):
        return step
    return replace(step, kept=seen.retained)


def settled(desired: Desired, server: ServerState, memory: Memory, dialect: Dialect) -> Iterator[AccountState]:
    """What is new of accounts of ours: the wanted password, and beside it at most one that the agent has retained."""
    for wanted in desired.accounts:
        seen = server.account(wanted.account)
        # To prove a password is dear, so one that is known is not proved again for this.
        if seen is None or not _ours(seen, memory) or memory.knows(seen) or strange(seen, memory):
            continue
        if proved(wanted, seen, dialect):
            yield seen


def retaining(desired: Desired, server: ServerState, memory: Memory) -> Iterator[Account]:
    """Wanted accounts with an old password that the agent retained, or may have."""
    for wanted in desired.accounts:
        seen = server.account(wanted.account)
        if seen is not None and seen.retained is not None and not strange(seen, memory):
            yield seen.account


def strange(seen: AccountState, memory: Memory) -> bool:
    """Whether the account has a second password that the agent did not retain."""
    return seen.retained is not None and not memory.gave(seen.account, seen.retained)


def conflicting(wanted: WantedAccount, server: ServerState, memory: Memory, dialect: Dialect) -> bool:
    """Whether somebody else's account stands where ours should, and is not the same in all that counts."""
    seen = server.account(wanted.account)
    if seen is None or _ours(seen, memory):
        return False
    lax = (wanted.tls and not seen.requires_tls) or (wanted.certificate and not seen.requires_certificate)
    return seen.locked or lax or not (proved(wanted, seen, dialect) and exact(seen))


def proved(wanted: WantedAccount, seen: AccountState, dialect: Dialect) -> bool:
    """Whether the stored password is the wanted one; a template function is never proved."""
    return not seen.plugin.endswith(EXPIRED) and _proves(wanted, seen, seen.proof, dialect)


def exact(seen: AccountState) -> bool:
    """Whether the account may do exactly what a replica needs."""
    return seen.privileges == REPLICATION and not seen.others


def guarded(wanted: WantedAccount, seen: AccountState) -> bool:
    """Whether the account demands to be reached as it is wanted."""
    demanded = (seen.requires_tls, seen.requires_certificate)
    return demanded == (wanted.tls or wanted.certificate, wanted.certificate)


def _proves(wanted: WantedAccount, seen: AccountState, proof: Secret, dialect: Dialect) -> bool:
    password = wanted.password
    return not isinstance(password, Unresolved) and dialect.proves(seen.plugin, proof, password)


def _ours(seen: AccountState, memory: Memory) -> bool:
    return seen.marked or seen.account in memory.accounts
