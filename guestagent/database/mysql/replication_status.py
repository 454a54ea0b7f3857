"""The status of a MySQL replica's channel, including the errors of the applier's workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from guestagent.database.channel_options import FixedOption, UnexpectedOption, find_unexpected_options
from guestagent.database.connection import Connection
from guestagent.database.connection_errors import remove_query_text
from guestagent.database.disk_full import find_disk_full_error
from guestagent.database.driver import Row
from guestagent.database.mysql.channel_options import FIXED_OPTIONS
from guestagent.database.mysql.replication_filters import list_channel_filters
from guestagent.database.named_channels import reject_named_channels
from guestagent.database.queries import read_applier_wait
from guestagent.database.sql_statement import sql
from guestagent.database.state import ChannelState, Endpoint, ReceiverState, ServerError, TlsOptions
from guestagent.database.unsupported_response import translate_malformed_response

OPERATION = "reading the channel's status"

# All channels: a replica with named channels must not appear to have none.
REPLICATION_STATUS = sql("SHOW REPLICA STATUS")

# The status row shows only that workers have stopped. Empty if the server runs without performance_schema.
WORKER_ERRORS = sql(
    "SELECT last_error_number AS number, last_error_message AS text"
    " FROM performance_schema.replication_applier_status_by_worker"
    " WHERE channel_name = '' AND last_error_number <> 0 ORDER BY last_error_timestamp, worker_id"
)

# Options that the status row lacks. Empty if the server runs without performance_schema.
CHANNEL_CONFIGURATION = sql(
    "SELECT * FROM performance_schema.replication_connection_configuration"
    " JOIN performance_schema.replication_applier_configuration USING (channel_name) WHERE channel_name = ''"
)

RECEIVER_STATES = {"Yes": ReceiverState.RUNNING, "No": ReceiverState.STOPPED}


@translate_malformed_response(OPERATION)
def read_channel(connection: Connection) -> ChannelState | None:
    """Read the status of the default channel, None if there is none. DatabaseRefused if there are named channels."""
    rows = connection.fetch_rows(REPLICATION_STATUS, OPERATION)
    reject_named_channels(OPERATION, rows, "Channel_Name", FIXED_OPTIONS)
    if not rows:
        return None
    state = _build_state(rows[0], connection.fetch_rows(WORKER_ERRORS, OPERATION))
    return replace(
        state,
        unexpected_options=tuple(
            _find_unexpected_options(rows[0], connection.fetch_rows(CHANNEL_CONFIGURATION, OPERATION))
        ),
        applier_wait=read_applier_wait(connection, "performance_schema"),
    )


def _build_state(row: Row, worker_errors: list[Row]) -> ChannelState:
    receiver = _read_receiver_state(row)
    lag = row["Seconds_Behind_Source"]
    applier_error = _read_error(row, "SQL")
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
        # While nothing is received, MySQL shows the last known lag.
        lag=int(lag) if lag is not None and receiver is ReceiverState.RUNNING else None,
        receiver_error=_read_error(row, "IO") or find_disk_full_error(row["Replica_IO_State"]),
        applier_error=_find_worker_error(worker_errors) or applier_error if applier_error else None,
        tls=_read_tls_options(row),
        filters=list_channel_filters(row),
    )


OTHER_TLS_OPTIONS = ("SSL_CA_Path", "SSL_Cipher", "SSL_Crl", "SSL_Crlpath", "TLS_Version")


def _find_unexpected_options(status: Row, configuration: list[Row]) -> Iterator[UnexpectedOption]:
    """Yield options with other values. Without TLS, a password needs the public key, requested from the source."""
    public_key_option = FixedOption(
        "GET_SOURCE_PUBLIC_KEY",
        "",
        "Get_Source_public_key",
        "0" if status["Source_SSL_Allowed"] == "Yes" else "1",
    )
    for row in (status, *configuration):
        yield from find_unexpected_options((*FIXED_OPTIONS, public_key_option), row)


def _read_tls_options(row: Row) -> TlsOptions:
    def get_option(name: str) -> str:
        return row[f"Source_{name}"] or ""

    return TlsOptions(
        is_enabled=row["Source_SSL_Allowed"] == "Yes",
        ca=get_option("SSL_CA_File"),
        verify=row["Source_SSL_Verify_Server_Cert"] == "Yes",
        certificate=get_option("SSL_Cert"),
        key=get_option("SSL_Key"),
        has_other_options=any(get_option(name) for name in OTHER_TLS_OPTIONS),
    )


def _read_receiver_state(row: Row) -> ReceiverState:
    if find_disk_full_error(row["Replica_IO_State"]):
        return ReceiverState.CONNECTING
    return RECEIVER_STATES.get(str(row["Replica_IO_Running"]), ReceiverState.CONNECTING)


def _read_error(row: Row, thread: str) -> ServerError | None:
    number = int(row[f"Last_{thread}_Errno"] or 0)
    return ServerError(number, remove_query_text(row[f"Last_{thread}_Error"] or "")) if number else None


def _find_worker_error(worker_errors: list[Row]) -> ServerError | None:
    """Return the error of the first worker that failed: the others stopped because of it."""
    errors = (
        ServerError(int(str(row["number"])), remove_query_text(row["text"] or "")) for row in worker_errors
    )
    return next(errors, None)
