"""The status of a MariaDB replica's channel."""

from __future__ import annotations

from dataclasses import replace

from guestagent.database.channel_options import find_unexpected_options
from guestagent.database.connection import Connection
from guestagent.database.connection_errors import remove_query_text
from guestagent.database.driver import Row
from guestagent.database.mariadb.channel_options import FIXED_OPTIONS
from guestagent.database.mariadb.replication_filters import list_channel_filters
from guestagent.database.named_channels import reject_named_channels
from guestagent.database.queries import read_applier_wait
from guestagent.database.sql_statement import sql
from guestagent.database.state import ChannelState, Endpoint, ReceiverState, ServerError, TlsOptions
from guestagent.database.unsupported_response import translate_malformed_response

OPERATION = "reading the channel's status"

# All channels: a replica with named channels must not appear to have none.
REPLICATION_STATUS = sql("SHOW ALL SLAVES STATUS")

RECEIVER_STATES = {"Yes": ReceiverState.RUNNING, "No": ReceiverState.STOPPED}

STREAM_END_STATE = "failed master event read"
"""Part of the receiver's state after the source ended the stream, which has no error number."""


@translate_malformed_response(OPERATION)
def read_channel(connection: Connection) -> ChannelState | None:
    """Read the status of the default channel, None if there is none. DatabaseRefused if there are named channels."""
    rows = connection.fetch_rows(REPLICATION_STATUS, OPERATION)
    reject_named_channels(OPERATION, rows, "Connection_name", FIXED_OPTIONS)
    if not rows:
        return None
    return replace(_build_state(rows[0]), applier_wait=read_applier_wait(connection, "information_schema"))


def _build_state(row: Row) -> ChannelState:
    lag = row["Seconds_Behind_Master"]
    return ChannelState(
        endpoint=Endpoint(
            host=str(row["Master_Host"]),
            port=int(str(row["Master_Port"])),
            user=str(row["Master_User"]),
            tls=row["Master_SSL_Allowed"] == "Yes",
        ),
        uses_gtid=row["Using_Gtid"] == "Slave_Pos",
        # Connecting and Preparing: neither connected nor stopped.
        receiver=RECEIVER_STATES.get(str(row["Slave_IO_Running"]), ReceiverState.CONNECTING),
        is_applier_running=row["Slave_SQL_Running"] == "Yes",
        lag=None if lag is None else int(lag),
        receiver_error=_read_error(row, "IO") or _find_stream_end(row),
        applier_error=_read_error(row, "SQL"),
        tls=_read_tls_options(row),
        filters=list_channel_filters(row),
        unexpected_options=tuple(find_unexpected_options(FIXED_OPTIONS, row)),
        source_id=int(row["Master_Server_Id"] or 0),
    )


OTHER_TLS_OPTIONS = ("CA_Path", "Cipher", "Crl", "Crlpath")


def _read_tls_options(row: Row) -> TlsOptions:
    def get_option(name: str) -> str:
        return row[f"Master_SSL_{name}"] or ""

    return TlsOptions(
        is_enabled=row["Master_SSL_Allowed"] == "Yes",
        ca=get_option("CA_File"),
        verify=row["Master_SSL_Verify_Server_Cert"] == "Yes",
        certificate=get_option("Cert"),
        key=get_option("Key"),
        # For a CRL that was not set, MariaDB shows the default: the file or folder of the CA.
        has_other_options=any(
            get_option(name) not in ("", get_option("CA_File"), get_option("CA_Path"))
            for name in OTHER_TLS_OPTIONS[1:]
        )
        or get_option("CA_Path") != "",
    )


def _read_error(row: Row, thread: str) -> ServerError | None:
    number = int(row[f"Last_{thread}_Errno"] or 0)
    return ServerError(number, remove_query_text(row[f"Last_{thread}_Error"] or "")) if number else None


def _find_stream_end(row: Row) -> ServerError | None:
    """Return an error if the source ended the stream: the only symptom of two replicas with the same server id."""
    state = row["Slave_IO_State"] or ""
    return ServerError(0, state) if STREAM_END_STATE in state else None
