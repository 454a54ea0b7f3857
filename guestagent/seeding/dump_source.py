"""The source of a dump, over a connection of its own: its accounts, its objects, and whether they have changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass

from guestagent.database.connection import Connection
from guestagent.database.connection_errors import NoAnswer
from guestagent.database.driver import Row
from guestagent.database.error_diagnosis import FailureKind, FailureStage, diagnose_error
from guestagent.database.login import connect_tcp
from guestagent.database.mariadb.diagnosis import RULES as MARIADB_RULES
from guestagent.database.mysql.diagnosis import RULES as MYSQL_RULES
from guestagent.database.queries import read_schemas
from guestagent.database.sql_statement import Statement, sql
from guestagent.database.state import ServerError
from guestagent.errors import DatabaseRefused, DatabaseUnsupported, SeedError
from guestagent.metadata.host_port import format_host_port
from guestagent.seeding.clone_donor import build_tls
from guestagent.seeding.dump_accounts import AccountDefinition
from guestagent.seeding.dump_accounts_reader import read_account_definitions
from guestagent.seeding.dump_dialect import DumpDialect
from guestagent.seeding.dump_failure import PRIVILEGE_ADVICE
from guestagent.seeding.dump_float_columns import check_float_columns
from guestagent.seeding.request import DonorEndpoint

LOGIN_TIMEOUT_S = 30.0
OPERATION = "reading the source's objects"
RULES = {"mariadb": MARIADB_RULES, "mysql": MYSQL_RULES}
SYSTEM_SCHEMAS = ("mysql", "sys", "information_schema", "performance_schema")
OBJECT_QUERIES: Mapping[str, Statement] = {
    "schemas": sql(
        "SELECT schema_name, default_character_set_name, default_collation_name FROM information_schema.schemata"
        " WHERE schema_name NOT IN ({}, {}, {}, {}) ORDER BY 1",
        *SYSTEM_SCHEMAS,
    ),
    "tables": sql(
        "SELECT table_schema, table_name, table_type FROM information_schema.tables"
        " WHERE table_schema NOT IN ({}, {}, {}, {}) ORDER BY 1, 2",
        *SYSTEM_SCHEMAS,
    ),
    "views": sql(
        "SELECT table_schema, table_name, view_definition, definer, security_type FROM information_schema.views"
        " WHERE table_schema NOT IN ({}, {}, {}, {}) ORDER BY 1, 2",
        *SYSTEM_SCHEMAS,
    ),
    "routines": sql(
        "SELECT routine_schema, routine_name, routine_type, created, last_altered FROM information_schema.routines"
        " WHERE routine_schema NOT IN ({}, {}, {}, {}) ORDER BY 1, 2, 3",
        *SYSTEM_SCHEMAS,
    ),
    "triggers": sql(
        "SELECT trigger_schema, trigger_name, created, action_statement FROM information_schema.triggers"
        " WHERE trigger_schema NOT IN ({}, {}, {}, {}) ORDER BY 1, 2",
        *SYSTEM_SCHEMAS,
    ),
    "events": sql(
        "SELECT event_schema, event_name, created, last_altered, status FROM information_schema.events"
        " WHERE event_schema NOT IN ({}, {}, {}, {}) ORDER BY 1, 2",
        *SYSTEM_SCHEMAS,
    ),
}
"""What a snapshot does not hold still, although a dump reads it in its course."""
WRITTEN_TABLES = sql(
    "SELECT CONCAT(table_schema, '.', table_name) AS name, update_time AS time FROM information_schema.tables"
    " WHERE update_time IS NOT NULL AND engine IN ('MyISAM', 'Aria', 'CSV', 'ARCHIVE', 'MEMORY')"
    " AND table_schema NOT IN ({}, {}, {}, {}) ORDER BY 1",
    *SYSTEM_SCHEMAS,
)
ENCRYPTED_TABLES = sql(
    "SELECT CONCAT(table_schema, '.', table_name) AS name FROM information_schema.tables"
    " WHERE UPPER(create_options) REGEXP {} AND table_schema NOT IN ({}, {}, {}, {}) ORDER BY 1 LIMIT 5",
    "ENCRYPT(ED|ION)`?='?Y",
    *SYSTEM_SCHEMAS,
)
FACTS = sql(
    "SELECT VERSION() AS version, NOW() AS now, (SELECT SUM(data_length + index_length)"
    " FROM information_schema.tables WHERE table_schema NOT IN ({}, {}, {}, {})) AS size",
    *SYSTEM_SCHEMAS,
)
PRIVILEGES = sql(
    "SELECT privilege_type AS name FROM information_schema.user_privileges WHERE grantee = CONCAT('''',"
    " SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '''@''', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''')"
)
CIPHER = sql("SHOW SESSION STATUS LIKE 'Ssl_cipher'")
FRESH_STATISTICS = sql("SET SESSION information_schema_stats_expiry = 0")
CHANGE_ADVICE = "change no accounts, views, routines, triggers or events at the source until the seed is done"
CONVERT_ADVICE = (
    "convert them to InnoDB at the source (ALTER TABLE .. ENGINE = InnoDB), or write to them later"
)


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """The source before its dump. `objects` has a digest for each kind; `begun_at` is the source's time.

    `write_times` has the last change of each table that no snapshot holds still. `encrypted_tables` names some tables
    that are created encrypted.
    """

    version: str
    begun_at: str
    data_bytes: int
    is_encrypted: bool
    schemas: tuple[str, ...]
    objects: Mapping[str, str]
    write_times: Mapping[str, str]
    accounts: tuple[AccountDefinition, ...]
    encrypted_tables: tuple[str, ...] = ()


class DumpSource:
    """A source that a dump is made of. Every call logs in anew: a dump takes hours. Raises SeedError."""

    def __init__(self, donor: DonorEndpoint, family: str, dialect: DumpDialect) -> None:
        self._donor, self._family, self._dialect = donor, family, dialect

    def read_facts(self) -> SourceFacts:
        """Check the donor account, and read what the dump depends on."""
        with self._open() as connection:
            self._check_privileges(connection)
            check_float_columns(connection)
            row = connection.fetch_rows(FACTS, OPERATION)[0]
            cipher = connection.fetch_rows(CIPHER, OPERATION)
            return SourceFacts(
                version=str(row["version"]),
                begun_at=str(row["now"]),
                data_bytes=int(float(row["size"] or 0)),
                is_encrypted=any(each.get("Value") for each in cipher),
                schemas=read_schemas(connection),
                objects=_read_objects(connection),
                write_times=self._read_write_times(connection),
                accounts=read_account_definitions(connection, self._family, self._dialect),
                encrypted_tables=tuple(
                    str(each["name"]) for each in connection.fetch_rows(ENCRYPTED_TABLES, OPERATION)
                ),
            )

    def check_accounts(self, facts: SourceFacts) -> None:
        """Raise SeedError if accounts have changed: those of the snapshot's position are not known then."""
        with self._open() as connection:
            if read_account_definitions(connection, self._family, self._dialect) != facts.accounts:
                raise SeedError(
                    "accounts of the source have changed when its dump began",
                    CHANGE_ADVICE,
                    is_transient=True,
                )

    def check_objects(self, facts: SourceFacts) -> None:
        """Raise SeedError if the dump has read something that is newer than its snapshot."""
        with self._open() as connection:
            objects = _read_objects(connection)
            changed_kinds = [kind for kind, digest in objects.items() if digest != facts.objects[kind]]
            if changed_kinds:
                raise SeedError(
                    f"{' and '.join(changed_kinds)} of the source have changed during its dump",
                    CHANGE_ADVICE,
                    is_transient=True,
                )
            check_float_columns(connection)
            names = list_written_tables(facts, self._read_write_times(connection))
            if names:
                raise SeedError(
                    f"tables that no snapshot holds still were written during the dump: {', '.join(names[:5])}",
                    CONVERT_ADVICE,
                    is_transient=True,
                )

    def _read_write_times(self, connection: Connection) -> Mapping[str, str]:
        if self._family == "mysql":
            connection.fetch_rows(FRESH_STATISTICS, OPERATION)
        rows = connection.fetch_rows(WRITTEN_TABLES, OPERATION)
        return {str(row["name"]): str(row["time"]) for row in rows}

    def _check_privileges(self, connection: Connection) -> None:
        """Raise SeedError without the privileges of a dump: some of them would be missed in silence.

        An account without any may be one whose privileges the source's agent grants next.
        """
        granted = {str(row["name"]) for row in connection.fetch_rows(PRIVILEGES, OPERATION)} - {"USAGE"}
        missing = self._dialect.privileges - granted
        if missing:
            names = ", ".join(sorted(missing))
            raise SeedError(
                f"the donor account {self._donor.user} lacks {names}",
                PRIVILEGE_ADVICE,
                is_transient=not granted,
            )

    @contextmanager
    def _open(self) -> Iterator[Connection]:
        donor = self._donor
        try:
            with closing(
                connect_tcp(
                    donor.host, donor.port, donor.user, donor.password, build_tls(donor), LOGIN_TIMEOUT_S
                )
            ) as connection:
                connection.allow_long_queries()
                yield connection
        except (NoAnswer, DatabaseRefused) as error:
            raise self._build_error(error) from error
        except DatabaseUnsupported as error:
            raise SeedError(f"the source: {error}", error.advice) from error

    def _build_error(self, error: NoAnswer | DatabaseRefused) -> SeedError:
        diagnosis = diagnose_error(
            ServerError(error.number, error.text), FailureStage.CONNECTING, RULES[self._family]
        )
        address = format_host_port(self._donor.host, self._donor.port)
        reason = f"the donor account {self._donor.user} at {address}: {diagnosis.meaning or error.text}"
        if diagnosis.meaning:
            reason += f" (error {error.number}: {error.text})"
        return SeedError(reason, diagnosis.advice, is_transient=diagnosis.kind is not FailureKind.FAIL)


def list_written_tables(facts: SourceFacts, write_times: Mapping[str, str]) -> list[str]:
    """List the tables that have been written since the facts, even if the source's clock was set back meanwhile."""
    return [
        name
        for name, time in write_times.items()
        if time >= facts.begun_at or facts.write_times.get(name) != time
    ]


def _read_objects(connection: Connection) -> Mapping[str, str]:
    return {
        kind: _compute_digest(connection.fetch_rows(query, OPERATION))
        for kind, query in OBJECT_QUERIES.items()
    }


def _compute_digest(rows: list[Row]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(repr(tuple(row.values())).encode())
    return digest.hexdigest()
