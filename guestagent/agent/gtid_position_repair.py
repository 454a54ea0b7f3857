"""Decides whether transactions in the binary log of a killed replica may be recorded as applied. Pure."""

from __future__ import annotations

from guestagent.database.gtid_history import GtidHistory
from guestagent.database.state import ServerState, UnrecordedGtids
from guestagent.database.steps import RecordPosition


def plan_position_repair(server: ServerState, source: GtidHistory | None) -> RecordPosition | None:
    """Return the step that repairs a stopped SQL thread which would apply again what is in the server's log.

    Nothing is lost: the source has all these transactions under the same server ids, so they came over the channel; and
    a server logs a statement after it has executed it.
    """
    unrecorded, channel = server.unrecorded_gtids, server.channel
    if unrecorded is None or channel is None or channel.is_applier_running or source is None:
        return None
    if source.family != server.history.family or server.history.format_difference(source):
        return None
    return RecordPosition(unrecorded.gtids, unrecorded.position)


def describe_recovery(unrecorded: UnrecordedGtids) -> str:
    """Describe transactions that the server itself has logged, and that its source does not have."""
    proof = (
        "as its statements show" if unrecorded.is_certain else "the first after a start, like a recovery's"
    )
    return f"{unrecorded.recovered_gtids}, logged by the server's own recovery from a crash in DDL ({proof})"


def advise_on_recovery(unrecorded: UnrecordedGtids) -> str:
    """Return the advice for such transactions."""
    doubt = "" if unrecorded.is_certain else "unless a user wrote here directly after the server's start, "
    return f"nothing was changed; {doubt}nothing is lost if the node is started from a clean image"
