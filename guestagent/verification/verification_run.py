"""A whole verification: definitions first, then the rows of each table."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass

from guestagent.database.connection import Connection
from guestagent.database.detect import detect_family
from guestagent.database.queries import read_schemas
from guestagent.errors import InvalidInput, NotReady, Problem
from guestagent.retry import Clock
from guestagent.verification.catalog import read_tables
from guestagent.verification.definition import DefinedObject
from guestagent.verification.definition_check import DefinitionCheck, DefinitionReport
from guestagent.verification.definition_reader import NEEDED_PRIVILEGES, read_hidden_kinds
from guestagent.verification.definition_source import check_origin
from guestagent.verification.object_kind import FAMILY_KINDS, build_coverage, format_kind
from guestagent.verification.pair_keeper import PairKeeper
from guestagent.verification.read_rate import ReadRate
from guestagent.verification.result import Difference, Uncompared, VerificationResult
from guestagent.verification.row_check import RowCheck, TableChanged
from guestagent.verification.selection import Selection
from guestagent.verification.snapshot_pair import PairEnvironment
from guestagent.verification.source_dialects import DIALECTS
from guestagent.verification.table import Table
from guestagent.verification.written_definitions import WrittenDefinitions

TABLE_ATTEMPT_LIMIT = 3
WRITE_ADVICE = "`guestagent verify --write-definitions` on the source writes them for --definitions"


@dataclass(frozen=True, slots=True)
class VerificationRequest:
    """What is compared, and how fast: `rate` in MiB/s, None without a limit.

    `written`: definitions that the source wrote to a file, `written_name` is that file's name.
    """

    source: str
    account: str
    selection: Selection
    rate: float | None = None
    written: WrittenDefinitions | None = None
    written_name: str = ""


@dataclass(frozen=True, slots=True)
class VerificationEnvironment:
    """The servers, and the clock. `hold_passes`: see PairEnvironment. `report` gets lines about the progress."""

    open_source: Callable[[], Connection]
    open_replica: Callable[[], Connection]
    open_control: Callable[[], Connection]
    hold_passes: Callable[[], AbstractContextManager[None]]
    clock: Clock
    report: Callable[[str], None]


def run_verification(
    request: VerificationRequest, environment: VerificationEnvironment
) -> VerificationResult:
    """Compare the replica with its source. Raises a DatabaseError or NotReady if that is not possible."""
    begin = environment.clock.now()
    with ExitStack() as stack:
        source = stack.enter_context(closing(environment.open_source()))
        replica = stack.enter_context(closing(environment.open_replica()))
        family = _find_common_family(source, replica)
        pair_environment = _build_pair_environment(environment, family)
        if request.written is not None:
            history = pair_environment.dialect.read_source_history(source)
            check_origin(request.written, source, family, history, request.written_name)
        schemas = _list_schemas(request.selection, source, replica)
        hidden_kinds = read_hidden_kinds(source, family)
        keeper = PairKeeper(pair_environment, environment.report)
        stack.callback(keeper.drop_pair)
        definition_check = DefinitionCheck(
            pair_environment,
            keeper,
            source,
            replica,
            request.selection,
            family,
            frozenset(FAMILY_KINDS[family]) - hidden_kinds,
            request.written,
        )
        definitions = definition_check.run(schemas)
        environment.report(f"{definitions.count} definitions")
        tables = _list_tables(request.selection, source, schemas)
    clock = environment.clock
    row_check = RowCheck(keeper, ReadRate(request.rate, clock), clock, environment.report)
    differences, uncompared = list(definitions.differences), list(definitions.uncompared)
    try:
        for table in tables:
            found, left_out = _check_table(row_check, environment, table, definitions)
            differences += found
            uncompared += left_out
    finally:
        keeper.drop_pair()
    hidden = _describe_hidden_kinds(request, family, hidden_kinds - definition_check.written_kinds)
    uncompared += (Uncompared(format_kind(kind), note, is_expected=True) for kind, note in hidden.items())
    written = dict.fromkeys(definition_check.written_kinds, str(request.written))
    return VerificationResult(
        source=request.source,
        seconds=clock.now() - begin,
        definition_count=definitions.count,
        table_count=row_check.table_count,
        row_count=row_check.row_count,
        byte_count=row_check.byte_count,
        snapshot_count=keeper.count,
        longest_hold_s=keeper.longest_hold_s,
        first_position=keeper.first_position,
        last_position=keeper.last_position,
        selection=str(request.selection),
        differences=tuple(differences),
        uncompared=tuple(uncompared),
        coverage=build_coverage(family, definitions.counts, hidden, written),
    )


def _find_common_family(source: Connection, replica: Connection) -> str:
    source_family, replica_family = detect_family(source).name, detect_family(replica).name
    if source_family != replica_family:
        raise NotReady(f"the source is a {source_family}, and this server a {replica_family}")
    return replica_family


def _build_pair_environment(environment: VerificationEnvironment, family: str) -> PairEnvironment:
    return PairEnvironment(
        DIALECTS[family](),
        environment.open_source,
        environment.open_replica,
        environment.open_control,
        environment.hold_passes,
        environment.clock,
    )


def _list_schemas(selection: Selection, source: Connection, replica: Connection) -> tuple[str, ...]:
    """List the selected schemas of both servers. Raises InvalidInput if something selected is on neither."""
    schemas = {*read_schemas(source), *read_schemas(replica)}
    selected = tuple(sorted(filter(selection.includes_schema, schemas)))
    tables = frozenset(
        (schema, table.name)
        for schema in selected
        if selection.tables
        for connection in (source, replica)
        for table in read_tables(connection, schema)
    )
    if missing := selection.find_missing(frozenset(schemas), tables):
        raise InvalidInput(
            [
                Problem(
                    "verify", "a schema or table that exists", ", ".join(missing), "names are case-sensitive"
                )
            ]
        )
    return selected


def _list_tables(selection: Selection, source: Connection, schemas: tuple[str, ...]) -> tuple[Table, ...]:
    return tuple(
        table
        for schema in schemas
        for table in read_tables(source, schema)
        if selection.includes_object(schema, table.name)
    )


def _check_table(
    row_check: RowCheck, environment: VerificationEnvironment, table: Table, definitions: DefinitionReport
) -> tuple[tuple[Difference, ...], tuple[Uncompared, ...]]:
    """Compare the rows of a table. If its definition changes meanwhile, begin again with the new one."""
    if DefinedObject(table.schema, "table", table.name) in definitions.unequal:
        return (), (Uncompared(table.full_name, "its definitions differ, so its rows were not compared"),)
    for _ in range(TABLE_ATTEMPT_LIMIT):
        try:
            differences, uncompared = row_check.run(table)
            return differences, (*uncompared, *_list_histories(table))
        except TableChanged:
            environment.report(f"{table.full_name}: its definition has changed, so it is compared again")
        changed_table = _find_table(environment, table)
        if changed_table is None:
            return (), (Uncompared(table.full_name, "it was dropped on the source meanwhile", True),)
        table = changed_table
    return (), (Uncompared(table.full_name, "its definition changed during each comparison"),)


def _list_histories(table: Table) -> tuple[Uncompared, ...]:
    if not table.is_versioned:
        return ()
    return (Uncompared(f"history of {table.full_name}", "only the current rows are compared", True),)


def _find_table(environment: VerificationEnvironment, table: Table) -> Table | None:
    with closing(environment.open_source()) as source:
        return next((each for each in read_tables(source, table.schema) if each.name == table.name), None)


def _describe_hidden_kinds(
    request: VerificationRequest, family: str, hidden_kinds: frozenset[str]
) -> dict[str, str]:
    """Describe why kinds of objects are not compared."""
    return {
        kind: f"the account {request.account} cannot see them, because it lacks {NEEDED_PRIVILEGES[family][kind]}: "
        f"{WRITE_ADVICE}"
        for kind in sorted(hidden_kinds)
    }
