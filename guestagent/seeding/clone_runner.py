"""Seeds a MySQL server by CLONE from its source. A SeedRunner.

An empty server is cloned in place. A server whose data are replaced gets the new ones in a directory beside them, and
keeps running meanwhile; only with `discards_data` it is cloned in place, too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

from guestagent.database.channel_certificates import ChannelCertificates
from guestagent.database.channel_tls import build_tls_options
from guestagent.database.connection_errors import NoAnswer
from guestagent.database.mysql.clone import CloneSource
from guestagent.database.state import TlsOptions
from guestagent.errors import SeedError
from guestagent.retry import Clock
from guestagent.seeding.clone_decision import (
    CloneAction,
    CloneTarget,
    check_replaceable,
    check_status,
    decide_clone,
)
from guestagent.seeding.clone_donor import (
    CONVERT_ADVICE,
    DonorCheck,
    build_clone_source,
    build_tls,
    check_donor,
)
from guestagent.seeding.clone_memo import CloneMemo, parse_memo
from guestagent.seeding.clone_replacement import (
    check_layout,
    let_server_pass,
    put_back_on_failure,
    put_in_place,
)
from guestagent.seeding.clone_server import CloneServer
from guestagent.seeding.data_swap import DataSwap
from guestagent.seeding.dump_dialect import MYSQL
from guestagent.seeding.dump_target import DumpTarget
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
from guestagent.seeding.state import SeedPhase
from guestagent.seeding.swap_journal import SwapStage

RESTART_GRACE_S = 3.0
"""A supervisor starts a server again by itself, sooner than that."""
POLL_INTERVAL_S = 0.5


class CloneRunner:
    """A SeedRunner. `socket` is the local server's; `check` looks at the donor before anything is written."""

    def __init__(self, socket: str, clock: Clock, check: DonorCheck = check_donor) -> None:
        self._server, self._clock, self._check = CloneServer(socket, clock), clock, check

    def run(self, request: SeedRequest, reporter: SeedReporter, server: ServerControl) -> SeedResult:
        """Clone the source, from wherever an earlier attempt was cut."""
        folder = find_seed_folder(request.data_directory, request.id)
        memo = parse_memo(reporter.state.memo)
        is_beside = request.replaces_data and not request.discards_data
        if memo.emptied_tables:
            self._remove_copy(memo, reporter, server)
        if memo.position is None:
            if is_beside:
                memo = self._clone_beside(request, folder, memo, reporter, server)
                put_in_place(folder, reporter, server)
            else:
                memo = self._clone_in_place(request, folder, memo, reporter, server)
            with put_back_on_failure(folder, reporter, server):
                memo = self._complete(memo, reporter, server, is_beside=is_beside)
        reporter.report_resumption("the data are in place")
        remove_marker(folder.target)
        folder.remove()
        return SeedResult(memo.position or "", memo.bytes_done, memo.source_version)

    def clean_up(self, seed_id: str, data_directory: str) -> None:
        """End the seed's CLONE, and remove its folder. A replacement that was cut is undone; one that is done stays."""
        folder = find_seed_folder(data_directory, seed_id)
        targets = [CloneTarget("", str(folder.fresh))]
        if read_marker(folder.target) == seed_id:
            targets.append(CloneTarget(""))
        for target in targets:
            self._server.kill_clone(target.destination)
        swap = DataSwap(folder)
        if swap.stage is not SwapStage.DONE:
            swap.undo()
        folder.remove()

    def _clone_in_place(
        self,
        request: SeedRequest,
        folder: SeedFolder,
        memo: CloneMemo,
        reporter: SeedReporter,
        server: ServerControl,
    ) -> CloneMemo:
        reporter.enter(SeedPhase.CONNECTING)
        server.start(reporter)
        source = _provide_source(request)
        facts = self._server.read_facts()
        is_marked = read_marker(folder.target) == request.id
        action = decide_clone(CloneTarget(source.address), facts, memo.previous_begin, is_marked=is_marked)
        reporter.report_resumption(action.resumption)
        if action is CloneAction.START:
            check_replaceable(facts, replaces_data=request.replaces_data)
            memo = self._begin(request, reporter)
            write_marker(folder.target, request.id)
        reporter.enter(SeedPhase.TRANSFERRING)
        if action is CloneAction.START:
            self._server.run_statement(
                source,
                "",
                lambda facts: check_replaceable(facts, replaces_data=request.replaces_data),
                reporter,
                replaces_data=request.replaces_data,
            )
        elif action is CloneAction.FOLLOW:
            self._server.follow_statement(facts.process_id, reporter)
        reporter.enter(SeedPhase.STARTING)
        self._wait_for_restart(reporter, server)
        return memo

    def _clone_beside(
        self,
        request: SeedRequest,
        folder: SeedFolder,
        memo: CloneMemo,
        reporter: SeedReporter,
        server: ServerControl,
    ) -> CloneMemo:
        if memo.is_copied:
            reporter.report_resumption("the copy is there, and is put in place")
            return memo
        reporter.enter(SeedPhase.CONNECTING)
        server.start(reporter)
        source = _provide_source(request)
        check_layout(self._server.read_variables(), request.data_directory, folder)
        facts = self._server.read_facts()
        target = CloneTarget(source.address, str(folder.fresh))
        action = decide_clone(target, facts, memo.previous_begin, is_marked=False)
        reporter.report_resumption(action.resumption)
        if action is CloneAction.START:
            remove_folder(folder.fresh)  # first: what a killed server has left there needs no other room
            memo = self._begin(request, reporter)
            folder.create()
        reporter.enter(SeedPhase.TRANSFERRING)
        with let_server_pass(folder):
            if action is CloneAction.START:
                self._server.run_statement(
                    source, target.directory, lambda facts: None, reporter, replaces_data=True
                )
            elif action is CloneAction.FOLLOW:
                self._server.follow_statement(facts.process_id, reporter)
        reporter.enter(SeedPhase.VERIFYING)
        check_status(self._server.read_facts().status, target.destination)
        write_marker(folder.fresh, request.id)
        memo = replace(memo, is_copied=True)
        reporter.remember(memo.as_mapping())
        return memo

    def _begin(self, request: SeedRequest, reporter: SeedReporter) -> CloneMemo:
        """Check the donor, and note which CLONE is not this seed's."""
        version = self._check(request.donor, self._server.read_variables())
        status = self._server.read_facts().status
        memo = CloneMemo(previous_begin="" if status is None else status.begin_time, source_version=version)
        reporter.remember(memo.as_mapping())
        return memo

    def _wait_for_restart(self, reporter: SeedReporter, server: ServerControl) -> None:
        """Wait until the server has restarted with the copy. Start it if no supervisor does."""
        silent_since: float | None = None
        while True:
            reporter.check_stop()
            try:
                status = self._server.read_status()
            except NoAnswer:
                silent_since = silent_since or self._clock.now()
                if self._clock.now() - silent_since >= RESTART_GRACE_S:
                    server.start(reporter)
                    silent_since = None
            else:
                silent_since = None
                if status is None or not status.is_running:
                    check_status(status, CloneTarget("").destination)
                    return
            self._clock.sleep(POLL_INTERVAL_S)

    def _complete(
        self, memo: CloneMemo, reporter: SeedReporter, server: ServerControl, *, is_beside: bool
    ) -> CloneMemo:
        reporter.enter(SeedPhase.POSITIONING)
        data = self._server.complete_copy()
        if data.emptied_tables:
            names = ", ".join(data.emptied_tables)
            if is_beside:
                raise _build_emptied_error(names)
            # First the memo: a copy that is removed in part does not show any more that it is incomplete.
            memo = replace(memo, emptied_tables=names)
            reporter.remember(memo.as_mapping())
            self._remove_copy(memo, reporter, server)
        memo = replace(memo, position=data.position, bytes_done=data.bytes_done)
        reporter.remember(memo.as_mapping())
        return memo

    def _remove_copy(self, memo: CloneMemo, reporter: SeedReporter, server: ServerControl) -> NoReturn:
        """Empty a server whose copy lacks rows, and raise SeedError: nothing half-copied is served."""
        server.start(reporter)
        DumpTarget(self._server.socket, "mysql", MYSQL, self._clock).empty(reporter)
        raise _build_emptied_error(memo.emptied_tables)


def _build_emptied_error(names: str) -> SeedError:
    return SeedError(f"CLONE copies only InnoDB, and left these tables empty: {names}", CONVERT_ADVICE)


def _provide_source(request: SeedRequest) -> CloneSource:
    """Build the source of the CLONE, with the files of its TLS where the server can read them: those of the channel."""
    tls, data_directory = build_tls(request.donor), f"{request.data_directory.rstrip('/')}/"
    options = TlsOptions() if tls is None else build_tls_options(tls, data_directory)
    source = build_clone_source(request.donor, options, request.rate_limit)
    if tls is not None:
        ChannelCertificates().write_files(tls, data_directory)
    return source
