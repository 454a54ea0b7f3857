"""The replacement of a MySQL server's data by those that it has cloned to a directory beside them."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from guestagent.errors import SeedError
from guestagent.seeding.backup_runner import swap_or_undo
from guestagent.seeding.data_swap import DataSwap, carry_files
from guestagent.seeding.local_data import check_inner_mounts, has_running_server
from guestagent.seeding.protocols import SeedReporter, ServerControl
from guestagent.seeding.seed_folder import SeedFolder
from guestagent.seeding.server_facts import check_folders
from guestagent.seeding.state import SeedPhase
from guestagent.seeding.swap_journal import SwapStage

DISCARD_ADVICE = "discard the old data first (Seeding.Discard)"
KEPT_FILES = ("auto.cnf", "mysqld-auto.cnf", "*.pem", "guestagent-channel-*")
"""Files of the server's own in its data directory: its server_uuid, its persisted settings, its certificates."""


def check_layout(variables: Mapping[str, str], data_directory: str, folder: SeedFolder) -> None:
    """Raise SeedError unless the server's data, all in its data directory, can be replaced by a directory beside it."""
    if folder.target in folder.path.parents:
        raise SeedError(
            f"{data_directory} is a file system of its own: MySQL clones to no folder in it", DISCARD_ADVICE
        )
    check_inner_mounts(folder.target)
    check_folders(variables)
    if variables.get("innodb_directories"):
        raise SeedError(
            f"innodb_directories is {variables['innodb_directories']}: tables there would be replaced at once",
            DISCARD_ADVICE,
        )


def put_in_place(folder: SeedFolder, reporter: SeedReporter, server: ServerControl) -> None:
    """Replace the old data by the copy, and start the server on it. If it does not start, put the old ones back."""
    swap = DataSwap(folder)
    if swap.stage is not SwapStage.DONE:
        reporter.enter(SeedPhase.SWAPPING)
        server.stop(reporter)
        if has_running_server(folder.target):
            raise SeedError(
                "a server still uses the data directory, although it was stopped", is_transient=True
            )
        if swap.stage is None:
            carry_files(folder.target, folder.fresh, KEPT_FILES)
            swap.set_owners()
        swap_or_undo(swap, folder, reporter, server)
    reporter.enter(SeedPhase.STARTING)
    with put_back_on_failure(folder, reporter, server):
        server.start(reporter)


@contextmanager
def put_back_on_failure(folder: SeedFolder, reporter: SeedReporter, server: ServerControl) -> Iterator[None]:
    """If the block fails for good, put the old data back, if there are any."""
    try:
        yield
    except SeedError as error:
        if not error.is_transient and folder.old.is_dir():
            server.stop(reporter)
            DataSwap(folder).undo()
            server.start(reporter)
        raise


@contextmanager
def let_server_pass(folder: SeedFolder) -> Iterator[None]:
    """Within the block, let the server's user enter the folder's parent: that of a data volume is root's alone."""
    parent = folder.path.parent
    mode = stat.S_IMODE(parent.stat().st_mode)
    if mode & stat.S_IXOTH:
        yield
        return
    parent.chmod(mode | stat.S_IXOTH)
    try:
        yield
    finally:
        parent.chmod(mode)
