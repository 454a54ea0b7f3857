"""Running the statements of a step on a server: the part that the families share."""

from __future__ import annotations

from collections.abc import Iterable

from guestagent.database.connection import Connection
from guestagent.database.sql_statement import Statement
from guestagent.database.steps import SetPrivileges, Step


def run_statements(connection: Connection, step: Step, *statements: Statement) -> None:
    """Run statements one after the other. An error names the step."""
    for statement in statements:
        connection.fetch_rows(statement, str(step))


def set_privileges(
    connection: Connection,
    step: SetPrivileges,
    statements: tuple[Statement, ...],
    revokes: Iterable[Statement | None],
) -> None:
    """Run the `revokes` and then the grants of a step; a revoke of None is the first of its `statements`, REVOKE ALL.

    Revoke only if necessary: a revoke leaves the account without any privilege for a moment.
    """
    revoke_all, *grants = statements
    run_statements(connection, step, *(revoke_all if revoke is None else revoke for revoke in revokes))
    run_statements(connection, step, *grants)
