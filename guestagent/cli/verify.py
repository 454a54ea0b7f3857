"""`guestagent verify`: compares the data of a replica with its source's."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from guestagent.cli import options
from guestagent.cli.definition_file import read_definitions, write_definitions
from guestagent.cli.input_file import STDIN_HELP
from guestagent.cli.output import write_log_line
from guestagent.errors import (
    EXIT_OK,
    DataMismatch,
    InvalidInput,
    NotReady,
    Problem,
    UnsupportedEnvironment,
)
from guestagent.text_escaping import escape_line

if TYPE_CHECKING:
    from guestagent.agent.settings import Settings
    from guestagent.cli.signals import InterruptHandler
    from guestagent.metadata.document import Document, Source, User
    from guestagent.verification import Selection, VerificationResult
    from guestagent.verification.verification_run import VerificationEnvironment

LOCK_FILE = "verification.lock"
LOCK_TIMEOUT_S = 120.0
NO_ACCOUNT = (
    "the metadata of this replica have no account for a verification (GuestAgent.Verification), so its data cannot be "
    "compared with the source's"
)


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "verify",
        help="compare all data of this replica with its source's",
        description="Compare the definitions of all objects and the checksums of all rows with the source's, at the "
        "same GTID positions, while both servers work. For each pair of snapshots the SQL thread of this replica stops "
        "for a moment. Nothing is written on either server, and nothing is repaired. Needs the account "
        "GuestAgent.Verification of the metadata. That account cannot see triggers, nor events of MySQL: for these, "
        "--write-definitions on the source writes a file, and --definitions compares them with it.",
        epilog="exit codes: 0 equal; 1 no difference, but a part was not compared, or a comparison is not possible "
        "now (no account, a pause, a channel that does not run); 2 invalid input; 3 a database server does not answer, "
        "or returned an error; 8 the result cannot be written; 11 the data differ; 77 not root",
    )
    parser.add_argument(
        "--schema",
        action="append",
        default=[],
        metavar="NAME",
        help="compare only this schema; may be repeated",
    )
    parser.add_argument(
        "--table",
        action="append",
        default=[],
        metavar="SCHEMA.TABLE",
        help="compare only this table; may be repeated",
    )
    parser.add_argument(
        "--rate",
        type=float,
        metavar="MIB",
        help="read at most this many MiB/s from each server (default: no limit)",
    )
    file = parser.add_mutually_exclusive_group()
    file.add_argument(
        "--definitions",
        metavar="FILE",
        help=f"compare triggers and events with this file of the source; {STDIN_HELP}",
    )
    file.add_argument(
        "--write-definitions",
        metavar="FILE",
        help="on a source: write its triggers and events, and compare nothing; - writes to standard output",
    )
    options.add_json_option(parser)
    options.add_config_option(parser)
    parser.set_defaults(run=run_verify)


def run_verify(args: argparse.Namespace) -> int:
    """Compare, write the result for `guestagent status`, and print it. Or write the file of a source."""
    from guestagent.agent import settings
    from guestagent.agent.timestamp import read_timestamp
    from guestagent.cli.signals import InterruptHandler
    from guestagent.metadata.host_port import format_host_port
    from guestagent.verification import write_result
    from guestagent.verification.verification_run import VerificationRequest, run_verification

    loaded = settings.load_settings(args.config)
    selection = _read_selection(args)
    if os.geteuid() != 0:
        raise UnsupportedEnvironment(
            "`guestagent verify` logs in to the database server as root: run it as root"
        )
    if args.write_definitions is not None:
        _require_no_selection(selection, args.rate)
        write_definitions(loaded, _read_document(loaded), args.write_definitions)
        return EXIT_OK
    document = _read_document(loaded)
    source, account = _find_account(document)
    _require_no_pause(loaded)
    written = None if args.definitions is None else read_definitions(args.definitions)
    request = VerificationRequest(
        format_host_port(source.address, source.port),
        str(account.name),
        selection,
        args.rate,
        written,
        str(args.definitions),
    )
    with _hold_verification_lock(loaded), InterruptHandler() as interrupts:
        environment = _build_environment(loaded, document, source, account, interrupts)
        result = run_verification(request, environment)
        write_result(loaded.state_folder, result, read_timestamp().as_json())
    if args.json:
        sys.stdout.write(json.dumps(result.as_json(), indent=2) + "\n")
    else:
        sys.stdout.write(_format_result(result))
    return _choose_exit_code(result)


def _require_no_selection(selection: Selection, rate: float | None) -> None:
    if not selection.is_everything or rate is not None:
        found = "--schema, --table or --rate beside it"
        raise InvalidInput(
            [Problem("--write-definitions", "no part and no rate", found, "it writes everything")]
        )


def _choose_exit_code(result: VerificationResult) -> int:
    codes = {"equal": EXIT_OK, "incomplete": NotReady.exit_code, "different": DataMismatch.exit_code}
    return codes[result.outcome]


def _read_selection(args: argparse.Namespace) -> Selection:
    from guestagent.verification.selection import parse_selection

    if args.rate is not None and not 0 < args.rate < math.inf:
        raise InvalidInput([Problem("--rate", "more than 0 MiB/s", f"{args.rate:g}")])
    try:
        return parse_selection(args.schema, args.table)
    except ValueError as error:
        raise InvalidInput([Problem("--table", "SCHEMA.TABLE", str(error))]) from error


def _read_document(settings: Settings) -> Document:
    from guestagent.agent.metadata_files import find_latest_document
    from guestagent.metadata import parse, require_resolved

    collected = find_latest_document(settings)
    if collected is None:
        raise NotReady("no metadata has been collected, so this node has no role yet")
    document = parse(collected.document, collected.display_path)
    require_resolved(document, collected.display_path)
    return document


def _find_account(document: Document) -> tuple[Source, User]:
    if document.source is None:
        raise NotReady("this node is a source: run the command on a replica")
    if document.section.verification is None:
        raise NotReady(NO_ACCOUNT)
    return document.source, document.section.verification


def _require_no_pause(settings: Settings) -> None:
    """Raise NotReady during a pause: if this command were killed, the agent would not start the channel again."""
    from guestagent.agent.pause import RESUME_ADVICE, read_pause

    pause = read_pause(settings.state_folder)
    if pause is not None:
        raise NotReady(
            f"the node is {pause}, and a verification stops the channel for moments: {RESUME_ADVICE}"
        )


@contextmanager
def _hold_verification_lock(settings: Settings) -> Iterator[None]:
    from guestagent.file_lock import open_lock, try_lock

    descriptor = open_lock(settings.state_folder / LOCK_FILE)
    try:
        if not try_lock(descriptor):
            raise NotReady("another `guestagent verify` is at work on this node")
        yield
    finally:
        os.close(descriptor)


def _build_environment(
    settings: Settings, document: Document, source: Source, account: User, interrupts: InterruptHandler
) -> VerificationEnvironment:
    from guestagent.agent.wiring import hold_pass_lock
    from guestagent.retry import SystemClock
    from guestagent.verification import connections
    from guestagent.verification.verification_run import VerificationEnvironment

    clock, socket, timeout = SystemClock(), str(settings.database_socket), settings.database_timeout

    @contextmanager
    def hold_passes() -> Iterator[None]:
        """Hold the lock of the passes, and defer Ctrl-C, so that the SQL thread is always started again."""
        deadline = clock.now() + LOCK_TIMEOUT_S

        def wait() -> bool:
            clock.sleep(0.1)
            return clock.now() < deadline

        with hold_pass_lock(settings, wait), interrupts.defer_interrupts():
            _require_no_pause(settings)
            yield

    return VerificationEnvironment(
        open_source=lambda: connections.open_source_session(source, account, document.section.tls, timeout),
        open_replica=lambda: connections.open_local_session(socket, timeout),
        open_control=lambda: connections.open_control_session(socket, timeout),
        hold_passes=hold_passes,
        clock=clock,
        report=write_log_line,
    )


def _format_result(result: VerificationResult) -> str:
    from guestagent.verification.object_kind import format_coverage, format_kind

    lines = [result.summarize()]
    lines += [f"  different     {each}" for each in result.differences]
    coverage = list(format_coverage(result.coverage))
    lines += [f"  compared      {text}" for is_compared, text in coverage if is_compared]
    # Kinds that the account cannot see are in both lists.
    hidden = {format_kind(each.kind) for each in result.coverage if not each.is_compared}
    lines += [f"  not compared  {each}" for each in result.uncompared if each.name not in hidden]
    lines += [f"  not compared  {text}" for is_compared, text in coverage if not is_compared]
    if result.first_position:
        lines.append(
            f"  {result.snapshot_count} pairs of snapshots, from {_shorten(result.first_position)} to "
            f"{_shorten(result.last_position)}; the SQL thread was stopped for at most {result.longest_hold_s:.3f} s"
        )
    return "".join(f"{escape_line(line)}\n" for line in lines)


def _shorten(gtids: str) -> str:
    from guestagent.database.gtid_history import shorten_gtids

    return shorten_gtids(gtids)
