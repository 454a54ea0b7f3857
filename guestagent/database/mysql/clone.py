"""MySQL's CLONE: its statement, its settings, and its progress in performance_schema."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from guestagent.database.connection import Connection
from guestagent.database.copy_note import CopyNote, parse_copy_note
from guestagent.database.mysql.clone_state import IN_PROGRESS, CloneProgress, CloneStatus
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.sql_statement import Statement, sql
from guestagent.database.state import Account, ServerError, TlsOptions
from guestagent.database.unsupported_response import translate_malformed_response
from guestagent.errors import DatabaseRefused
from guestagent.secret import Secret

CLONE_OPERATION = "CLONE"
STATUS_OPERATION = "reading the state of CLONE"

SELECT_PLUGIN = sql(
    "SELECT plugin_status AS status FROM information_schema.plugins WHERE plugin_name = 'clone'"
)
SELECT_OWN_ATTRIBUTE = sql(
    "SELECT attribute AS attribute FROM information_schema.user_attributes"
    " WHERE CONCAT(user, '@', host) = CURRENT_USER()"
)
COUNT_KEYRING_PLUGINS = sql(
    "SELECT COUNT(*) AS count FROM information_schema.plugins"
    " WHERE plugin_name LIKE 'keyring%' AND plugin_status = 'ACTIVE'"
)
COUNT_KEYRING_COMPONENTS = sql(
    "SELECT COUNT(*) AS count FROM performance_schema.keyring_component_status"
    " WHERE status_key = 'Component_status' AND status_value = 'Active'"
)
SELECT_STATUS = sql(
    "SELECT state, pid, begin_time, source, destination, error_no, error_message, gtid_executed"
    " FROM performance_schema.clone_status"
)
SELECT_PROGRESS = sql(
    "SELECT stage, state, estimate, data FROM performance_schema.clone_progress ORDER BY begin_time"
)
SELECT_SESSION_ID = sql("SELECT CONNECTION_ID() AS id")
# Their data are not copied: the tables are there, and empty. BLACKHOLE and FEDERATED have none, and the logs are a
# server's own.
SELECT_UNCLONED_TABLES = sql(
    "SELECT CONCAT(table_schema, '.', table_name) AS name FROM information_schema.tables"
    " WHERE table_type = 'BASE TABLE' AND engine NOT IN ('InnoDB', 'BLACKHOLE', 'FEDERATED', 'PERFORMANCE_SCHEMA')"
    " AND (table_schema, table_name) NOT IN (('mysql', 'general_log'), ('mysql', 'slow_log'))"
    " AND table_schema NOT IN ('information_schema', 'performance_schema') ORDER BY name LIMIT 10"
)
SELECT_ENCRYPTED_TABLES = sql(
    "SELECT COUNT(*) AS count FROM information_schema.innodb_tablespaces WHERE encryption = 'Y'"
)


@dataclass(frozen=True, slots=True)
class CloneSource:
    """The donor. `tls_options` name files of the recipient's server. `rate_limit` in MiB/s, 0 for none."""

    host: str
    port: int
    user: str
    password: Secret
    tls_options: TlsOptions
    rate_limit: int

    @property
    def address(self) -> str:
        """The donor as the settings and the status name it."""
        return f"{self.host}:{self.port}"

    @property
    def settings(self) -> Mapping[str, str]:
        """The global variables during this CLONE."""
        return {
            "clone_valid_donor_list": self.address,
            "clone_ssl_ca": self.tls_options.ca,
            "clone_ssl_cert": self.tls_options.certificate,
            "clone_ssl_key": self.tls_options.key,
            "clone_max_data_bandwidth": str(self.rate_limit),
            "clone_enable_compression": "OFF",  # it takes seven times as long on a fast network
        }


def build_clone_statement(source: CloneSource, directory: str = "") -> Statement:
    """Build the statement that copies the donor's data into a new `directory`; "" for the server's own place."""
    account = Account(source.user, source.host)
    ending = " REQUIRE SSL" if source.tls_options.is_enabled else ""
    if not directory:
        return sql(
            f"CLONE INSTANCE FROM {{}}:{{}} IDENTIFIED BY {{}}{ending}", account, source.port, source.password
        )
    return sql(
        f"CLONE INSTANCE FROM {{}}:{{}} IDENTIFIED BY {{}} DATA DIRECTORY = {{}}{ending}",
        account,
        source.port,
        source.password,
        directory,
    )


def has_clone_plugin(connection: Connection) -> bool:
    """Return whether the plugin is active. Every account may read this."""
    rows = connection.fetch_rows(SELECT_PLUGIN, STATUS_OPERATION)
    return any(row["status"] == "ACTIVE" for row in rows)


@translate_malformed_response(STATUS_OPERATION)
def read_clone_status(connection: Connection) -> CloneStatus | None:
    """Read the status of the newest CLONE; None if there was none. The plugin must be active."""
    rows = connection.fetch_rows(SELECT_STATUS, STATUS_OPERATION)
    if not rows:
        return None
    row = {name.lower(): value or "" for name, value in rows[0].items()}
    number = int(row["error_no"] or 0)
    return CloneStatus(
        state=row["state"],
        process_id=int(row["pid"] or 0),
        begin_time=row["begin_time"],
        source=row["source"],
        destination=row["destination"],
        error=ServerError(number, row["error_message"]) if number else None,
        history=MysqlHistory.parse(row["gtid_executed"]),
    )


@translate_malformed_response(STATUS_OPERATION)
def read_clone_progress(connection: Connection) -> CloneProgress:
    """Read the progress of the newest CLONE, over all of its stages."""
    rows = [
        {name.lower(): value or "" for name, value in row.items()}
        for row in connection.fetch_rows(SELECT_PROGRESS, STATUS_OPERATION)
    ]
    return CloneProgress(
        done=sum(int(row["data"] or 0) for row in rows),
        total=sum(int(row["estimate"] or 0) for row in rows),
        stage=next((row["stage"] for row in rows if row["state"] == IN_PROGRESS), ""),
    )


def read_own_note(connection: Connection) -> CopyNote | None:
    """Read the note in the account of this session; None if its server's agent has written none."""
    rows = connection.fetch_rows(SELECT_OWN_ATTRIBUTE, STATUS_OPERATION)
    return next((parse_copy_note(row["attribute"]) for row in rows), None)


def has_keyring(connection: Connection) -> bool:
    """Return whether this server can encrypt tables."""
    rows = connection.fetch_rows(COUNT_KEYRING_PLUGINS, STATUS_OPERATION)
    with suppress(DatabaseRefused):  # a server from before keyring components
        rows += connection.fetch_rows(COUNT_KEYRING_COMPONENTS, STATUS_OPERATION)
    return any(row["count"] != "0" for row in rows)


def read_session_id(connection: Connection) -> int:
    """Read the id by which the process list knows this session."""
    (row,) = connection.fetch_rows(SELECT_SESSION_ID, STATUS_OPERATION)
    return int(row["id"] or 0)


def kill_statement(connection: Connection, process_id: int) -> None:
    """End the statement of a session; that the session has ended already is fine."""
    with suppress(DatabaseRefused):
        connection.fetch_rows(sql("KILL QUERY {}", process_id), "ending CLONE")


def read_uncloned_tables(connection: Connection) -> tuple[str, ...]:
    """Read the names of tables whose rows CLONE does not copy: of the first ten."""
    return tuple(str(row["name"]) for row in connection.fetch_rows(SELECT_UNCLONED_TABLES, STATUS_OPERATION))


@translate_malformed_response(STATUS_OPERATION)
def read_copy_note(connection: Connection) -> CopyNote:
    """Read what a clone of this server would lack, or needs."""
    (row,) = connection.fetch_rows(SELECT_ENCRYPTED_TABLES, STATUS_OPERATION)
    return CopyNote(read_uncloned_tables(connection), row["count"] != "0")
