"""Whether a replica's channel leaves out changes of its source because they have the replica's own server id. Pure.

A MariaDB takes events with its own server id for its own, come back to it: it skips them, and counts their GTIDs as
applied. Nothing but its own log then tells that it lacks them. A MySQL skips them too, and shows that it lacks them.
"""

from __future__ import annotations

from guestagent.database.gtid_history import GtidHistory, MariadbHistory, shorten_gtids
from guestagent.database.state import ServerState

RENUMBER_ADVICE = (
    "give this node a GuestAgent.ServerId that no server of the cluster has ever had; if the node has followed this "
    "source before, start it from a clean image"
)


def find_left_out_transactions(server_id: int, server: ServerState, source: GtidHistory | None) -> str:
    """Return the source's transactions that this server leaves out under this server id; "" for none."""
    if not isinstance(source, MariadbHistory) or not isinstance(server.logged_history, MariadbHistory):
        return ""
    return source.filter_by_server_id(server_id).format_difference(server.logged_history)


def refuse_own_server_id(
    server_id: int, server: ServerState, source: GtidHistory | None
) -> tuple[str, str, str, str] | None:
    """Why a replica with this server id does not get all of its source's changes. None: it does."""
    left_out = find_left_out_transactions(server_id, server, source)
    if not left_out:
        return None
    seen = f"{server_id}, under which the source has {shorten_gtids(left_out)}: the channel leaves them out"
    return ("server id", "one under which the source has no transactions", seen, RENUMBER_ADVICE)


def describe_left_out_transactions(server: ServerState, source: GtidHistory | None) -> str:
    """Name the server id with which the channel may have left out changes by now; "" if it has not."""
    if server.channel is None or server.history.is_empty:
        return ""
    left_out = find_left_out_transactions(server.server_id, server, source)
    return (
        f"server id {server.server_id}, under which the source has {shorten_gtids(left_out)}"
        if left_out
        else ""
    )
