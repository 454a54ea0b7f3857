"""What a seed has done to the server, undone: the old data are put back, or the server is emptied."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from guestagent.database.detect import detect_family
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.login import connect_socket
from guestagent.errors import DatabaseError, SeedError
from guestagent.retry import Clock
from guestagent.seeding.data_swap import DataSwap
from guestagent.seeding.dump_dialect import DIALECTS
from guestagent.seeding.dump_target import DumpTarget
from guestagent.seeding.protocols import SeedReporter, ServerControl
from guestagent.seeding.seed_folder import SeedFolder, has_discarded_data, read_marker, remove_marker
from guestagent.seeding.state import SeedPhase

QUERY_TIMEOUT_S = 30.0
FOREIGN_DATA_ADVICE = (
    "nothing of them was removed; if they are not needed, `guestagent reseed --discard` begins another seed"
)


def put_old_data_back(folder: SeedFolder, reporter: SeedReporter, server: ServerControl) -> None:
    """Undo the replacement of the data directory, if it has begun. The server is stopped then."""
    swap = DataSwap(folder)
    if swap.stage is None:
        return
    # First the phase: by it, whoever goes on after a kill knows that the server is stopped.
    reporter.enter(SeedPhase.SWAPPING)
    server.stop(reporter)
    swap.undo()


def remove_unfinished_data(
    folder: SeedFolder,
    reporter: SeedReporter,
    server: ServerControl,
    clock: Clock,
    is_own: Callable[[GtidHistory], bool] = lambda history: True,
) -> None:
    """Empty the server if the data directory has this seed's marker, and remove the marker.

    `is_own`: whether what a server of this history holds has come with this seed. Data that were discarded need no such
    proof. Raises SeedError if the server holds something else: nothing is removed then.
    """
    if read_marker(folder.target) != reporter.state.id:
        return
    server.start(reporter)
    if not has_discarded_data(folder.target):
        history = _read_history(server.socket)
        if not is_own(history):
            raise SeedError(
                f"the server has transactions that did not come with this seed: {history}",
                FOREIGN_DATA_ADVICE,
            )
    empty_server(reporter, server, clock)
    remove_marker(folder.target)


def empty_server(reporter: SeedReporter, server: ServerControl, clock: Clock) -> None:
    """Remove all data, accounts and history of the server. It is read-only afterwards."""
    server.start(reporter)
    family = read_family(server.socket)
    DumpTarget(server.socket, family, DIALECTS[family], clock).empty(reporter)


def read_family(socket: str) -> str:
    """Read the family of the server behind a local socket."""
    try:
        with closing(connect_socket(socket, "root", QUERY_TIMEOUT_S)) as connection:
            return detect_family(connection).name.lower()
    except DatabaseError as error:
        raise SeedError(str(error), error.advice, is_transient=True) from error


def _read_history(socket: str) -> GtidHistory:
    try:
        with closing(connect_socket(socket, "root", QUERY_TIMEOUT_S)) as connection:
            return detect_family(connection).build_database(connection).observe().history
    except DatabaseError as error:
        raise SeedError(str(error), error.advice, is_transient=True) from error
