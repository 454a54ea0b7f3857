"""A replica's channel as MariaDB shows it."""

from __future__ import annotations

from guestagent.database.channel_options import find_strays
from guestagent.database.connection import Connection, Row, cleaned
from guestagent.database.mariadb.dialect import FIXED_OPTIONS
from guestagent.database.replication_settings import find_in_channel
from guestagent.database.sql import sql
from guestagent.database.state import ChannelState, Endpoint, Receiver, ServerError, TlsOptions
from guestagent.database.unexpected_answer import expect_answer
from guestagent.errors import DatabaseRefused

LOOKING = "looking at the channel"

# All of them: a server that follows others over named channels must not look like one that follows nobody.
STATUS = sql("SHOW ALL SLAVES STATUS")

RECEIVERS = {"Yes": Receiver.RUNNING, "No": Receiver.STOPPED}

CLEAR_FILTER = "SET GLOBAL {} = ''"
"""With the channel stopped."""

ENDED = "failed master event read"
"""In the state of a receiver whose stream the source ended: that has no error number of its own."""


@expect_answer(LOOKING)
def channel(connection: Connection) -> ChannelState | None:
    """The default channel, None where there is none. DatabaseRefused where there are named ones."""
    rows = connection.rows(STATUS, LOOKING)
    named = [str(row["Connection_name"]) for row in rows if row["Connection_name"]]
    if named:
        text = f"it has named channels ({', '.join(named)}): only one channel, without a name, is supported"
        raise DatabaseRefused(LOOKING, 0, text)
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
        by_gtid=row["Using_Gtid"] == "Slave_Pos",
        # Connecting and Preparing: neither there nor given up.
        receiver=RECEIVERS.get(str(row["Slave_IO_Running"]), Receiver.CONNECTING),
        applier=row["Slave_SQL_Running"] == "Yes",
        lag=None if lag is None else int(lag),
        receiver_error=_error(row, "IO") or _ended(row),
        applier_error=_error(row, "SQL"),
        tls=_tls(row),
        filters=tuple(find_in_channel(row, CLEAR_FILTER)),
        strays=tuple(find_strays(FIXED_OPTIONS, row)),
        source_id=int(row["Master_Server_Id"] or 0),
    )


OTHERS = ("CA_Path", "Cipher", "Crl", "Crlpath")


def _tls(row: Row) -> TlsOptions:
    def path(name: str) -> str:
        return row[f"Master_SSL_{name}"] or ""

    return TlsOptions(
        on=row["Master_SSL_Allowed"] == "Yes",
        ca=path("CA_File"),
        verify=row["Master_SSL_Verify_Server_Cert"] == "Yes",
        certificate=path("Cert"),
        key=path("Key"),
        # MariaDB shows its default for a CRL that was not given: the CA's own file or folder.
        others=any(path(name) not in ("", path("CA_File"), path("CA_Path")) for name in OTHERS[1:])
        or path("CA_Path") != "",
    )


def _error(row: Row, thread: str) -> ServerError | None:
    number = int(row[f"Last_{thread}_Errno"] or 0)
    return ServerError(number, cleaned(row[f"Last_{thread}_Error"] or "")) if number else None


def _ended(row: Row) -> ServerError | None:
    """Two replicas with one server id evict each other without any other sign."""
    state = row["Slave_IO_State"] or ""
    return ServerError(0, state) if ENDED in state else None
