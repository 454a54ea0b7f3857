"""A replica's channel as MariaDB shows it."""

from __future__ import annotations

from guestagent.database.channel_options import find_unexpected_options
from guestagent.database.connection import Connection
from guestagent.database.connection_errors import remove_query_text
from guestagent.database.driver import Row
from guestagent.database.malformed_response import translate_malformed_response
from guestagent.database.mariadb.statements import FIXED_OPTIONS
from guestagent.database.replication_settings import find_channel_filters
from guestagent.database.sql_statement import sql
from guestagent.database.state import ChannelState, Endpoint, ReceiverState, ServerError, TlsOptions
from guestagent.errors import DatabaseRefused

OPERATION = "looking at the channel"

# All of them: a server that follows others over named channels must not look like one that follows nobody.
REPLICATION_STATUS = sql("SHOW ALL SLAVES STATUS")

RECEIVER_STATES = {"Yes": ReceiverState.RUNNING, "No": ReceiverState.STOPPED}

CLEAR_FILTER = "SET GLOBAL {} = ''"
"""With the channel stopped."""

STREAM_END_STATE = "failed master event read"
"""In the state of a receiver whose stream the source ended: that has no error number of its own."""


@translate_malformed_response(OPERATION)
def read_channel(connection: Connection) -> ChannelState | None:
    """The default channel, None where there is none. DatabaseRefused where there are named ones."""
    rows = connection.fetch_rows(REPLICATION_STATUS, OPERATION)
    named = [str(row["Connection_name"]) for row in rows if row["Connection_name"]]
    if named:
        text = f"it has named channels ({', '.join(named)}): only one channel, without a name, is supported"
        raise DatabaseRefused(OPERATION, 0, text)
    return _state(rows[0]) if rows else None


def _state(row: Row) -> ChannelState:
    lag = row["Seconds_Behind_Master"]
    return ChannelState(
        endpoint=Endpoint(
            host=str(row["Master_Host"]),
            port=int(str(row["Master_Port"])),
            user=str(row["Master_User"]),
            tls=row["Master_SSL_Allowed"] == "Yes",
        ),
        uses_gtid=row["Using_Gtid"] == "Slave_Pos",
        # Connecting and Preparing: neither there nor given up.
        receiver=RECEIVER_STATES.get(str(row["Slave_IO_Running"]), ReceiverState.CONNECTING),
        is_applier_running=row["Slave_SQL_Running"] == "Yes",
        lag=None if lag is None else int(lag),
        receiver_error=_error(row, "IO") or _ended(row),
        applier_error=_error(row, "SQL"),
        tls=_tls(row),
        filters=tuple(find_channel_filters(row, CLEAR_FILTER)),
        unexpected_options=tuple(find_unexpected_options(FIXED_OPTIONS, row)),
        source_id=int(row["Master_Server_Id"] or 0),
    )


OTHER_TLS_OPTIONS = ("CA_Path", "Cipher", "Crl", "Crlpath")


def _tls(row: Row) -> TlsOptions:
    def path(name: str) -> str:
        return row[f"Master_SSL_{name}"] or ""

    return TlsOptions(
        is_enabled=row["Master_SSL_Allowed"] == "Yes",
        ca=path("CA_File"),
        verify=row["Master_SSL_Verify_Server_Cert"] == "Yes",
        certificate=path("Cert"),
        key=path("Key"),
        # MariaDB shows its default for a CRL that was not given: the CA's own file or folder.
        has_other_options=any(
            path(name) not in ("", path("CA_File"), path("CA_Path")) for name in OTHER_TLS_OPTIONS[1:]
        )
        or path("CA_Path") != "",
    )


def _error(row: Row, thread: str) -> ServerError | None:
    number = int(row[f"Last_{thread}_Errno"] or 0)
    return ServerError(number, remove_query_text(row[f"Last_{thread}_Error"] or "")) if number else None


def _ended(row: Row) -> ServerError | None:
    """Two replicas with one server id evict each other without any other sign."""
    state = row["Slave_IO_State"] or ""
    return ServerError(0, state) if STREAM_END_STATE in state else None
