"""Rejects data that no history records: a comparison of histories, and a new replica, would miss them. Pure."""

from __future__ import annotations

from guestagent.agent.model import DesiredState
from guestagent.agent.name_list import format_names
from guestagent.agent.refusal import Refusal
from guestagent.database.gtid_history import shorten_gtids
from guestagent.database.state import ServerState, SourceState
from guestagent.metadata.document import Role

SHOWN_NAMES_LIMIT = 10
"""A condition names at most this many schemas and accounts."""
CLEAN_IMAGE_ADVICE = (
    "nothing was touched; if the data is not needed, replace it with `guestagent reseed`, "
    "or start the node from a clean image"
)
LOAD_ADVICE = (
    "dump the data (mysqldump --set-gtid-purged=OFF, mariadb-dump without --gtid), start the source from a clean image "
    "and load the dump through its binary log: without sql_log_bin=0, and without resetting the log afterwards"
)


def find_unlogged_refusal(
    desired: DesiredState, server: ServerState, source: SourceState | None
) -> Refusal | None:
    """Return the refusal to change such a source, or to follow it with an empty replica; None if all is logged."""
    if desired.role is Role.SOURCE:
        if not server.unlogged_data:
            return None
        actual = f"a log that lacks the beginning of {format_names(server.unlogged_data, SHOWN_NAMES_LIMIT)}"
        return Refusal(
            "data", "a binary log that contains all data, or records what was purged", actual, LOAD_ADVICE
        )
    if source is None or not source.unlogged_gtids or not server.history.is_empty:
        return None
    if desired.seeding.donor is not None and desired.seeding.method != "replay":
        return None  # a copy of the data has what the log lacks
    actual = f"at the source a log without {shorten_gtids(source.unlogged_gtids)}, and nothing here yet"
    return Refusal(
        "source", "a binary log that contains all data, or records what was purged", actual, LOAD_ADVICE
    )


def refuse_data_without_history(server: ServerState) -> Refusal | None:
    """Refuse a replica's data that no comparison of histories would reveal."""
    foreign_accounts = (str(account.account) for account in server.accounts if not account.is_marked)
    names = (*server.schemas, *foreign_accounts)
    if server.channel is not None or not server.history.is_empty or not names:
        return None
    return Refusal(
        "data",
        "an empty server, or one whose history the source contains",
        f"schemas or accounts without a history: {format_names(names, SHOWN_NAMES_LIMIT)}",
        CLEAN_IMAGE_ADVICE,
    )
