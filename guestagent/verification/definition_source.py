"""The source's side of a file of definitions: writing it, and whether it belongs to the server that a replica sees."""

from __future__ import annotations

from guestagent.database.connection import Connection
from guestagent.database.detect import detect_family
from guestagent.database.gtid_history import GtidHistory, shorten_gtids
from guestagent.database.queries import read_schemas
from guestagent.database.sql_statement import sql
from guestagent.errors import InvalidInput, NotReady, Problem
from guestagent.verification.definition_reader import NEEDED_PRIVILEGES, read_definitions
from guestagent.verification.source_dialects import DIALECTS
from guestagent.verification.written_definitions import WrittenDefinitions

ATTEMPT_LIMIT = 5
SELECT_SERVER = sql("SELECT @@server_id AS id, @@hostname AS host, @@port AS port")
WRITE_AGAIN = "write it again on the source of this replica"


def collect_definitions(connection: Connection, written_at: str) -> WrittenDefinitions:
    """Read the definitions that the account of a replica may not see, at one position. `connection` is root's.

    Raises NotReady if they change all the time.
    """
    family = detect_family(connection).name
    kinds, dialect = frozenset(NEEDED_PRIVILEGES[family]), DIALECTS[family]()
    for _ in range(ATTEMPT_LIMIT):
        before = read_definitions(connection, read_schemas(connection), family, kinds)
        position = dialect.read_source_history(connection)
        after = read_definitions(connection, read_schemas(connection), family, kinds)
        if before == after:
            return WrittenDefinitions(
                family, _identify_server(connection), str(position), written_at, kinds, after
            )
    raise NotReady("triggers or events were changed during each attempt to read them: try again")


def check_origin(
    written: WrittenDefinitions, connection: Connection, family: str, history: GtidHistory, file: str
) -> None:
    """Raise InvalidInput unless the server behind `connection`, with this history, has written the file."""
    server = _identify_server(connection)
    if (written.family, written.server) != (family, server):
        raise InvalidInput(
            [
                Problem(
                    file,
                    f"definitions of the {family} {server}",
                    f"{written.family} {written.server}",
                    WRITE_AGAIN,
                )
            ]
        )
    try:
        is_contained = history.contains(type(history).parse(written.position))
    except ValueError:
        is_contained = False
    if not is_contained:
        found = shorten_gtids(written.position)
        raise InvalidInput([Problem(file, "a position that the source has executed", found, WRITE_AGAIN)])


def _identify_server(connection: Connection) -> str:
    [row] = connection.fetch_rows(SELECT_SERVER, "identifying the server")
    return f"server {row['id']} at {row['host']}:{row['port']}"
