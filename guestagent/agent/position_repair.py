"""Whether what a killed replica has logged may be recorded as applied, and what is said if it may not. Pure."""

from __future__ import annotations

from guestagent.database.gtid_history import GtidHistory
from guestagent.database.state import ServerState, UnrecordedGtids
from guestagent.database.steps import RecordPosition


def plan_position_repair(server: ServerState, source: GtidHistory | None) -> RecordPosition | None:
    """The step that repairs a stopped applier which would apply again what is in the server's log.

    Nothing is lost by it: the source has all of these under the same server ids, so they came over the channel; and a
    server logs a statement once it is done.
    """
    missing, channel = server.unrecorded_gtids, server.channel
    if missing is None or channel is None or channel.is_applier_running or source is None:
        return None
    if source.family != server.history.family or server.history.format_difference(source):
        return None
    return RecordPosition(missing.gtids, missing.position)


def describe_recovery(missing: UnrecordedGtids) -> str:
    """Say that the server itself logged what its source does not have."""
    proof = (
        "its statements say so" if missing.is_certain else "as the first after a start, where a recovery logs"
    )
    return f"{missing.recovered_gtids}, logged by the server's own recovery from a crash in a DDL statement ({proof})"


def advise_on_recovery(missing: UnrecordedGtids) -> str:
    """Say what a person can do about it."""
    doubt = "" if missing.is_certain else "unless somebody wrote here as soon as the server was up, "
    return f"nothing was touched; {doubt}nothing is lost if the node is started from a clean image"
