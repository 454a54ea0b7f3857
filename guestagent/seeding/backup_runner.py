"""Seeds a MariaDB server by a backup stream of its source. A SeedRunner."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace

from guestagent.byte_units import MIB
from guestagent.database.sql_statement import sql
from guestagent.errors import DatabaseError, SeedError, StorageError
from guestagent.retry import Clock, SystemClock
from guestagent.seeding.backup_memo import POSITIONED, PREPARED, RECEIVED, BackupMemo, parse_memo
from guestagent.seeding.backup_position import read_position
from guestagent.seeding.backup_transfer import BackupTransfer, wait_for_offer
from guestagent.seeding.copied_events import disable_events
from guestagent.seeding.data_swap import DataSwap, carry_files, copy_modes
from guestagent.seeding.disk_space import DiskPlan, is_full_disk, plan_disk
from guestagent.seeding.donor_client import DonorClient
from guestagent.seeding.local_data import (
    check_inner_mounts,
    check_replaceable,
    has_running_server,
    measure_folder,
)
from guestagent.seeding.programs import INSTALL_ADVICE, ChildProgram, SeedPrograms, sync_files
from guestagent.seeding.protocols import SeedReporter, SeedResult, ServerControl
from guestagent.seeding.request import SeedRequest
from guestagent.seeding.seed_folder import (
    SeedFolder,
    find_seed_folder,
    read_marker,
    remove_folder,
    remove_marker,
    write_marker,
)
from guestagent.seeding.server_facts import (
    build_facts,
    check_facts,
    check_folders,
    open_connection,
    read_variables,
)
from guestagent.seeding.state import SeedPhase
from guestagent.seeding.stream_messages import ZSTD, ServerFacts, StreamOffer, StreamRequest
from guestagent.seeding.swap_journal import SwapStage
from guestagent.seeding.table_paths import remove_table_paths
from guestagent.seeding.undone_seed import empty_server, put_old_data_back, remove_unfinished_data

KEPT_FILES = ("*.pem", "guestagent-channel-*")
"""Files of the server's own in its data directory: its certificates."""
POSITION_OPERATION = "setting the seed's position"


class BackupRunner:
    """A SeedRunner. Each step is proved before it is remembered, and repeated if it was cut."""

    def __init__(self, programs: SeedPrograms | None = None, clock: Clock | None = None) -> None:
        self._programs, self._clock = programs or SeedPrograms(), clock or SystemClock()

    def run(self, request: SeedRequest, reporter: SeedReporter, server: ServerControl) -> SeedResult:
        """Receive the source's data, put them in place of the local ones, and record their position."""
        folder = find_seed_folder(request.data_directory, request.id)
        memo = _read_memo(folder, reporter)
        reporter.report_resumption(memo.resumption)
        if not memo.step:
            if DataSwap(folder).stage is not None:  # of a replacement of which nothing is known any more
                put_old_data_back(folder, reporter, server)
                server.start(reporter)
            memo = self._receive(request, folder, reporter, server)
        if memo.step == RECEIVED:
            memo = self._prepare(folder, memo, reporter)
        if memo.step == PREPARED:
            _put_in_place(request, folder, reporter, server)
            memo = _set_position(request, memo, reporter, server)
        folder.remove()
        remove_marker(folder.target)
        return SeedResult(memo.position, memo.bytes_done, memo.version)

    def clean_up(self, reporter: SeedReporter, server: ServerControl) -> None:
        """Put the old data back if they have been replaced, empty a server whose data were discarded for the seed."""
        folder = find_seed_folder(reporter.state.data_directory, reporter.state.id)
        reporter.remember({})  # none of its steps counts any more
        put_old_data_back(folder, reporter, server)
        remove_unfinished_data(folder, reporter, server, self._clock)
        folder.remove()

    def _receive(
        self, request: SeedRequest, folder: SeedFolder, reporter: SeedReporter, server: ServerControl
    ) -> BackupMemo:
        remove_folder(folder.fresh)  # first: on a full disk, this is the room for the seed's state
        reporter.enter(SeedPhase.CONNECTING)
        self._check_programs()
        check_replaceable(request, folder)
        check_inner_mounts(folder.target)
        own_facts = _read_own_facts(request)
        compressions = (ZSTD,) if self._programs.has_program(ZSTD) else ()
        donor = request.donor
        with closing(DonorClient(donor, reporter.check_stop)) as client:
            client.send(
                StreamRequest(
                    request.node, donor.user, donor.password, compressions, request.rate_limit * MIB
                )
            )
            offer = wait_for_offer(client, reporter)
            check_facts(offer.facts, own_facts)
            self._make_room(request, folder, offer, reporter, server)
            bytes_done = self._transfer(client, offer, folder, request, reporter)
        reporter.enter(SeedPhase.VERIFYING)
        sync_files(folder.fresh, reporter.check_stop)
        memo = BackupMemo(RECEIVED, read_position(folder.fresh), offer.facts.version, bytes_done)
        reporter.remember(memo.build_mapping())
        return memo

    def _make_room(
        self,
        request: SeedRequest,
        folder: SeedFolder,
        offer: StreamOffer,
        reporter: SeedReporter,
        server: ServerControl,
    ) -> None:
        """Check that the new data fit. If they do not fit beside the old ones, discard these, if that was asked for.

        The server goes on, empty: it could not start without any data.
        """
        discards_data = request.discards_data and request.replaces_data
        if (
            _plan_disk(request, folder, offer, reporter, discards_data=discards_data)
            is DiskPlan.DISCARD_FIRST
        ):
            write_marker(folder.target, request.id, discards_data=True)
            empty_server(reporter, server, self._clock)
            _plan_disk(request, folder, offer, reporter, discards_data=False)

    def _transfer(
        self,
        client: DonorClient,
        offer: StreamOffer,
        folder: SeedFolder,
        request: SeedRequest,
        reporter: SeedReporter,
    ) -> int:
        """Receive the stream, and return the bytes of the backup. A part of it would only take up the disk."""
        try:
            folder.create_fresh(request.id)
            reporter.enter(SeedPhase.TRANSFERRING)
            return BackupTransfer(client, offer, folder.fresh, self._programs).receive(reporter)
        except (SeedError, StorageError):
            remove_folder(folder.fresh)
            raise

    def _check_programs(self) -> None:
        for name in ("mbstream", "mariadb-backup"):
            if not self._programs.has_program(name):
                raise SeedError(f"{name} is not installed on this node", INSTALL_ADVICE)

    def _prepare(self, folder: SeedFolder, memo: BackupMemo, reporter: SeedReporter) -> BackupMemo:
        """Make the copied files those of a server that was shut down. To repeat it is harmless."""
        reporter.enter(SeedPhase.PREPARING)
        remove_table_paths(folder.fresh)
        command = self._programs.build_command("mariadb-backup", "--prepare", f"--target-dir={folder.fresh}")
        program = ChildProgram(command)
        status = program.wait(reporter.check_stop)
        if status or not program.has_completed:
            reporter.remember({})
            raise SeedError(f"the backup cannot be prepared: {program.last_words}", is_transient=True)
        prepared = BackupMemo(PREPARED, memo.position, memo.version, memo.bytes_done)
        copy_modes(folder.target, folder.fresh)
        sync_files(folder.fresh, reporter.check_stop)
        reporter.remember(prepared.build_mapping())
        return prepared


def _read_memo(folder: SeedFolder, reporter: SeedReporter) -> BackupMemo:
    """Read what was proved so far: nothing, if the received data are not there any more."""
    memo = parse_memo(reporter.state.memo)
    has_fresh_data = DataSwap(folder).stage is not None or read_marker(folder.fresh) == reporter.state.id
    if memo.step in (RECEIVED, PREPARED) and not has_fresh_data:
        return replace(memo, step="")
    return memo


def _read_own_facts(request: SeedRequest) -> ServerFacts:
    """Read the facts of the local server; empty ones if it does not answer, as after a failure that a seed repairs."""
    try:
        variables = read_variables(request.socket)
    except DatabaseError:
        return ServerFacts()
    check_folders(variables)
    return build_facts(variables)


def _plan_disk(
    request: SeedRequest,
    folder: SeedFolder,
    offer: StreamOffer,
    reporter: SeedReporter,
    *,
    discards_data: bool,
) -> DiskPlan:
    """Compare the new data with the room on the disk. Raises SeedError if they do not fit."""
    place = folder.path.parent
    try:
        free_bytes = shutil.disk_usage(place).free
    except OSError as error:
        raise StorageError(f"cannot read the free space of {place}: {error.strerror}") from error
    old_bytes = measure_folder(folder.target)
    needed_bytes = offer.data_bytes + offer.redo_bytes
    try:
        return plan_disk(
            needed_bytes, free_bytes, old_bytes, request.data_directory, discards_data=discards_data
        )
    except SeedError as error:
        # If there was room before, there may be some again.
        raise SeedError(str(error), error.advice, is_transient=reporter.state.bytes_done > 0) from error


def _put_in_place(
    request: SeedRequest, folder: SeedFolder, reporter: SeedReporter, server: ServerControl
) -> None:
    """Replace the old data by the prepared ones, and start the server on them. If it fails on them, undo that."""
    swap = DataSwap(folder)
    if swap.stage is not SwapStage.DONE:
        reporter.enter(SeedPhase.SWAPPING)
        server.stop(reporter)
        if swap.stage is None:
            _check_stopped_data(request, folder, reporter, server)
            carry_files(folder.target, folder.fresh, KEPT_FILES)
            swap.set_owners()
        swap_or_undo(swap, folder, reporter, server)
    reporter.enter(SeedPhase.STARTING)
    try:
        server.start(reporter)
    except SeedError as error:
        if not error.is_transient and folder.old.is_dir():
            server.stop(reporter)
            swap.undo()
            server.start(reporter)
        raise


def swap_or_undo(swap: DataSwap, folder: SeedFolder, reporter: SeedReporter, server: ServerControl) -> None:
    """Put the new data in place. If the file system does not allow that, the server gets its old data back."""
    try:
        swap.swap()
    except StorageError as error:
        if not folder.old.is_dir():
            raise
        swap.undo()
        server.start(reporter)
        advice = "the old data are in place again"
        raise SeedError(str(error), advice, is_transient=is_full_disk(error)) from error


def _check_stopped_data(
    request: SeedRequest, folder: SeedFolder, reporter: SeedReporter, server: ServerControl
) -> None:
    """Check once more that the data may be replaced, now that nothing can be written any more."""
    if has_running_server(folder.target):
        raise SeedError("a server still uses the data directory, although it was stopped", is_transient=True)
    try:
        check_replaceable(request, folder)
    except SeedError:
        server.start(reporter)
        raise


def _set_position(
    request: SeedRequest, memo: BackupMemo, reporter: SeedReporter, server: ServerControl
) -> BackupMemo:
    """Make the server one that has applied everything up to the position, and has no history of its own.

    Nothing replicates yet, so to repeat it is harmless.
    """
    reporter.enter(SeedPhase.POSITIONING)
    try:
        with open_connection(request.socket) as connection:
            connection.fetch_rows(sql("SET GLOBAL read_only = 1"), POSITION_OPERATION)
            runs_events = disable_events(connection)
        if runs_events:
            server.stop(reporter)
            server.start(reporter)
        with open_connection(request.socket) as connection:
            for statement in (
                sql("SET GLOBAL read_only = 1"),
                sql("RESET MASTER"),
                sql("SET GLOBAL gtid_slave_pos = {}", memo.position),
            ):
                connection.fetch_rows(statement, POSITION_OPERATION)
    except DatabaseError as error:
        raise SeedError(str(error), error.advice, is_transient=True) from error
    positioned = BackupMemo(POSITIONED, memo.position, memo.version, memo.bytes_done)
    reporter.remember(positioned.build_mapping())
    return positioned
