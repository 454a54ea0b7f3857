"""A replica's channel as MySQL shows it: the status row, and what the applier's workers say of their errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from guestagent.database.channel_options import FixedOption, UnexpectedOption, find_unexpected_options
from guestagent.database.connection import Connection
from guestagent.database.connection_errors import remove_query_text
from guestagent.database.driver import Row
from guestagent.database.malformed_response import translate_malformed_response
from guestagent.database.mysql.statements import FIXED_OPTIONS
from guestagent.database.replication_settings import ReplicationSetting, ReplicationSide, find_channel_filters
from guestagent.database.sql_statement import sql
from guestagent.database.state import ChannelState, Endpoint, ReceiverState, ServerError, TlsOptions
from guestagent.errors import DatabaseRefused

OPERATION = "looking at the channel"

# All of them: a server that follows others over named channels must not look like one that follows nobody.
REPLICATION_STATUS = sql("SHOW REPLICA STATUS")

# The status row says only that workers have stopped. Empty where the server runs without performance_schema.
WORKER_ERRORS = sql(
    "SELECT last_error_number AS number, last_error_message AS text"
    " FROM performance_schema.replication_applier_status_by_worker"
    " WHERE channel_name = '' AND last_error_number <> 0 ORDER BY last_error_timestamp, worker_id"
)

# What the status row leaves out. Empty where the server runs without performance_schema.
CHANNEL_CONFIGURATION = sql(
    "SELECT * FROM performance_schema.replication_connection_configuration"
    " JOIN performance_schema.replication_applier_configuration USING (channel_name) WHERE channel_name = ''"
)

# What a channel will get when it is made; its own are in its status.
GLOBAL_FILTERS = sql(
    "SELECT LOWER(filter_name) AS name, filter_rule AS value FROM performance_schema.replication_applier_global_filters"
)
CLEAR_FILTER = "CHANGE REPLICATION FILTER {} = ()"
"""With the applier stopped."""

RECEIVER_STATES = {"Yes": ReceiverState.RUNNING, "No": ReceiverState.STOPPED}

NO_SPACE_STATE = "Waiting for disk space"
ER_DISK_FULL = 1021
"""ER_DISK_FULL. A receiver without space shows no error at all, only a state."""


@translate_malformed_response(OPERATION)
def read_channel(connection: Connection) -> ChannelState | None:
    """The default channel, None where there is none. DatabaseRefused where there are named ones."""
    rows = connection.fetch_rows(REPLICATION_STATUS, OPERATION)
    named = [str(row["Channel_Name"]) for row in rows if row["Channel_Name"]]
    if named:
        text = f"it has named channels ({', '.join(named)}): only one channel, without a name, is supported"
        raise DatabaseRefused(OPERATION, 0, text)
    if not rows:
        return None
    state = _state(rows[0], connection.fetch_rows(WORKER_ERRORS, OPERATION))
    return replace(
        state,
        unexpected_options=tuple(_strays(rows[0], connection.fetch_rows(CHANNEL_CONFIGURATION, OPERATION))),
    )


def read_global_filters(connection: Connection) -> tuple[ReplicationSetting, ...]:
    """The filters of channels that are yet to be made."""
    rows = connection.fetch_rows(GLOBAL_FILTERS, OPERATION)
    return tuple(
        ReplicationSetting(
            str(row["name"]), str(row["value"]), ReplicationSide.REPLICA, CLEAR_FILTER.format(row["name"])
        )
        for row in rows
        if row["value"]  # one that was taken back stays in the list
    )


def _state(row: Row, workers: list[Row]) -> ChannelState:
    receiver = _receiver(row)
    lag = row["Seconds_Behind_Source"]
    applier = _error(row, "SQL")
    return ChannelState(
        endpoint=Endpoint(
            host=str(row["Source_Host"]),
            port=int(str(row["Source_Port"])),
            user=str(row["Source_User"]),
            tls=row["Source_SSL_Allowed"] == "Yes",
        ),
        uses_gtid=row["Auto_Position"] == "1",
        receiver=receiver,
        is_applier_running=row["Replica_SQL_Running"] == "Yes",
        # While nothing is received, MySQL goes on telling the number from before.
        lag=int(lag) if lag is not None and receiver is ReceiverState.RUNNING else None,
        receiver_error=_error(row, "IO") or _full(row),
        applier_error=_worker(workers) or applier if applier else None,
        tls=_tls(row),
        filters=tuple(find_channel_filters(row, CLEAR_FILTER)),
    )


OTHER_TLS_OPTIONS = ("SSL_CA_Path", "SSL_Cipher", "SSL_Crl", "SSL_Crlpath", "TLS_Version")


def _strays(status: Row, configuration: list[Row]) -> Iterator[UnexpectedOption]:
    """Options that differ. In clear, the password is encrypted with a key for which the source must be asked."""
    asks = FixedOption(
        "GET_SOURCE_PUBLIC_KEY",
        "",
        "Get_Source_public_key",
        "0" if status["Source_SSL_Allowed"] == "Yes" else "1",
    )
    for row in (status, *configuration):
        yield from find_unexpected_options((*FIXED_OPTIONS, asks), row)


def _tls(row: Row) -> TlsOptions:
    def said(name: str) -> str:
        return row[f"Source_{name}"] or ""

    return TlsOptions(
        is_enabled=row["Source_SSL_Allowed"] == "Yes",
        ca=said("SSL_CA_File"),
        verify=row["Source_SSL_Verify_Server_Cert"] == "Yes",
        certificate=said("SSL_Cert"),
        key=said("SSL_Key"),
        has_other_options=any(said(name) for name in OTHER_TLS_OPTIONS),
    )


def _receiver(row: Row) -> ReceiverState:
    if _full(row):
        return ReceiverState.CONNECTING
    return RECEIVER_STATES.get(str(row["Replica_IO_Running"]), ReceiverState.CONNECTING)


def _full(row: Row) -> ServerError | None:
    state = row["Replica_IO_State"] or ""
    return ServerError(ER_DISK_FULL, state) if NO_SPACE_STATE in state else None


def _error(row: Row, thread: str) -> ServerError | None:
    number = int(row[f"Last_{thread}_Errno"] or 0)
    return ServerError(number, remove_query_text(row[f"Last_{thread}_Error"] or "")) if number else None


def _worker(workers: list[Row]) -> ServerError | None:
    """The first that failed: those after it stopped for it."""
    return next(
        (ServerError(int(str(w["number"])), remove_query_text(w["text"] or "")) for w in workers), None
    )
