"""Changes of the source that a replica's channel leaves out because they have the replica's own server id. Pure.

A MariaDB takes events with its own server id for its own that have come back to it: it skips them, and counts their
GTIDs as applied. Only its own log then shows that it lacks them. A MySQL skips them too, and shows that it lacks them.
"""

from __future__ import annotations

from guestagent.agent.refusal import Refusal
from guestagent.database.gtid_history import GtidHistory, shorten_gtids
from guestagent.database.mariadb.gtid import MariadbHistory
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.state import ReceiverState, ServerState

UNUSED_ID_ADVICE = "give this node a GuestAgent.ServerId that no server of the cluster has ever had"
OTHER_ID_ADVICE = f"{UNUSED_ID_ADVICE}: then the channel fetches them"
RENUMBER_ADVICE = (
    f"{UNUSED_ID_ADVICE}; if the node has followed this source before, start it from a clean image"
)


def refuse_own_server_id(server_id: int, server: ServerState, source: GtidHistory | None) -> Refusal | None:
    """Refuse a server id under which the source has transactions that this replica leaves out."""
    gtids = find_left_out_transactions(server_id, server, source)
    if not gtids:
        return None
    actual = f"{server_id}, under which the source has {shorten_gtids(gtids)}: the channel leaves them out"
    return Refusal("server id", "one under which the source has no transactions", actual, RENUMBER_ADVICE)


def find_left_out_transactions(server_id: int, server: ServerState, source: GtidHistory | None) -> str:
    """Return the source's transactions that this server leaves out under this server id; "" for none."""
    if not isinstance(source, MariadbHistory) or not isinstance(server.logged_history, MariadbHistory):
        return ""
    return source.filter_by_server_id(server_id).format_difference(server.logged_history)


def describe_left_out_transactions(server: ServerState, source: GtidHistory | None) -> str:
    """Name the server id with which the channel may have left out changes by now; "" if it has not."""
    if server.channel is None or server.history.is_empty:
        return ""
    gtids = find_left_out_transactions(server.server_id, server, source)
    return f"server id {server.server_id}, under which the source has {shorten_gtids(gtids)}" if gtids else ""


def find_skipped_gtids(server: ServerState, source: GtidHistory | None) -> str:
    """Return the transactions of a MySQL source that a channel without lag has passed over; "" for none.

    They are older than others of the same origin that the replica has. A source sends all that a replica lacks, in the
    order of its log, and other settings with which a channel leaves something out are refused.
    """
    channel = server.channel
    if (
        channel is None
        or not isinstance(source, MysqlHistory)
        or not isinstance(server.history, MysqlHistory)
    ):
        return ""
    is_idle = channel.receiver is ReceiverState.RUNNING and channel.is_applier_running and channel.lag == 0
    if not is_idle or channel.applier_wait:
        return ""
    return str(source.subtract(server.history).take_below(server.history))
