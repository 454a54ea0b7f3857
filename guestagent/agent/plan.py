"""The plan: the steps from the observed state to the desired one. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from guestagent.agent.account_steps import (
    find_blocked_accounts,
    plan_account_steps,
    plan_donor_drops,
)
from guestagent.agent.channel_steps import plan_channel_steps
from guestagent.agent.divergence import can_be_unacknowledged
from guestagent.agent.journal_state import MARKER_ACCOUNT, JournalState
from guestagent.agent.model import DesiredState, ObservedState
from guestagent.agent.refusal import Refusal
from guestagent.database.protocols import SqlDialect
from guestagent.database.steps import (
    CreateAccount,
    CreateMarker,
    LoadClonePlugin,
    RemakeAccount,
    SetPrivileges,
    SetReadOnly,
    SetServerId,
    Step,
)
from guestagent.metadata.document import Role


def plan_steps(
    desired: DesiredState,
    observed: ObservedState,
    refusal: Refusal | None,
    memory: JournalState,
    dialect: SqlDialect,
) -> tuple[Step, ...]:
    """Return the steps from the observed state to the desired one.

    With a `refusal` they are only those that take the donor accounts of finished seeds away.
    """
    if refusal is not None:
        return tuple(_plan_refused_steps(desired, observed, memory, dialect))
    source = observed.source
    if source is not None and can_be_unacknowledged(observed.server, source):
        return ()  # the two histories cannot be compared before the source shows what it has sent
    if desired.role is Role.SOURCE:
        return tuple(_plan_source_steps(desired, observed, memory, dialect))
    if desired.source is None:
        return ()
    return tuple(plan_channel_steps(desired, desired.source, observed, memory, dialect))


def _plan_refused_steps(
    desired: DesiredState, observed: ObservedState, memory: JournalState, dialect: SqlDialect
) -> Iterator[Step]:
    """Plan the drops of donor accounts that no seed needs any more, if their source can replicate them."""
    server = observed.server
    if (
        desired.role is Role.SOURCE
        and server.binary_log
        and server.channel is None
        and not observed.lost_journal
    ):
        yield from plan_donor_drops(desired, server, memory, dialect)


def _plan_source_steps(
    desired: DesiredState, observed: ObservedState, memory: JournalState, dialect: SqlDialect
) -> Iterator[Step]:
    server = observed.server
    if server.server_id != desired.server_id:
        yield SetServerId(desired.server_id)
    blocked_accounts = find_blocked_accounts(observed)
    account_steps = tuple(plan_account_steps(desired, server, memory, dialect, blocked_accounts))
    if MARKER_ACCOUNT in memory.unfinished and not dialect.has_atomic_accounts:
        yield CreateMarker(if_not_exists=True)
    elif not server.has_marker and any(
        isinstance(step, CreateAccount | RemakeAccount | SetPrivileges) for step in account_steps
    ):
        yield CreateMarker()
    yield from account_steps
    if server.read_only or server.is_restricted:
        yield SetReadOnly(False)
    # Last, so that a server without the plugin's file has its accounts.
    if desired.needs_clone_plugin and not server.clone_plugin:
        yield LoadClonePlugin()
