"""Seeds a MySQL server by CLONE from its source. A SeedRunner.

An empty server is cloned in place. A server whose data are replaced gets the new ones in a directory beside them, and
keeps running meanwhile; only with `discards_data` it is cloned in place, too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

from guestagent.database.channel_certificates import ChannelCertificates
from guestagent.database.channel_tls import build_tls_options
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
from guestagent.seeding.protocols import SeedReporter, SeedResult, ServerControl
from guestagent.seeding.request import SeedRequest
from guestagent.seeding.seed_folder import (
    SeedFolder,
    find_seed_folder,
    has_discarded_data,
    read_marker,
    remove_folder,
    remove_marker,
    write_marker,
)
from guestagent.seeding.state import SeedPhase
from guestagent.seeding.undone_seed import empty_server, put_old_data_back, remove_unfinished_data


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
                self._carry_settings(folder, reporter, server)
                put_in_place(folder, reporter, server)
            else:
                memo = self._clone_in_place(request, folder, memo, reporter, server)
            with put_back_on_failure(folder, reporter, server):
                memo = self._complete(memo, reporter, server, is_beside=is_beside)
        reporter.report_resumption("the data are in place")
        server.start(reporter)
        self._server.go_online()
        remove_marker(folder.target)
        folder.remove()
        return SeedResult(memo.position or "", memo.bytes_done, memo.source_version)

    def clean_up(self, reporter: SeedReporter, server: ServerControl) -> None:
        """End the seed's CLONE. Put the old data back if they have been replaced; a copy in place is removed."""
        folder = find_seed_folder(reporter.state.data_directory, reporter.state.id)
        memo = parse_memo(reporter.state.memo)
        # Nothing else counts any more.
        reporter.remember(CloneMemo(previous_begin=memo.previous_begin).as_mapping())
        self._server.kill_clone(CloneTarget("", str(folder.fresh)).destination)
        if read_marker(folder.target) != reporter.state.id:
            self._server.forget_offline_mode()
        put_old_data_back(folder, reporter, server)
        if read_marker(folder.target) == reporter.state.id:
            # The server may be about to restart with a complete copy.
            server.start(reporter)
            status = self._server.wait_for_restart(reporter, server, ends_clone=True)
            facts = self._server.read_facts()
            is_untouched = status is None or status.begin_time == memo.previous_begin
            if is_untouched or (facts.is_empty and not has_discarded_data(folder.target)):
                self._server.go_online()
                remove_marker(folder.target)
            remove_unfinished_data(folder, reporter, server, self._clock, lambda history: facts.is_copy)
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
        if action is CloneAction.RESTART:
            self._server.wait_for_restart(reporter, server, ends_clone=True)
            facts = self._server.read_facts()
        is_new = action in (CloneAction.START, CloneAction.RESTART)
        if is_new:
            check_replaceable(facts, replaces_data=request.replaces_data, is_marked=is_marked)
            memo = self._begin(request, reporter)
            write_marker(folder.target, request.id, discards_data=request.replaces_data)
            # Until the copy is checked, nobody reads it.
            self._server.go_offline()
        reporter.enter(SeedPhase.TRANSFERRING)
        if is_new:
            self._server.run_statement(
                source,
                "",
                lambda facts: check_replaceable(
                    facts, replaces_data=request.replaces_data, is_marked=is_marked
                ),
                reporter,
                replaces_data=request.replaces_data or is_marked,
            )
        elif action is CloneAction.FOLLOW:
            self._server.follow_statement(facts.process_id, reporter)
        reporter.enter(SeedPhase.STARTING)
        status = self._server.wait_for_restart(reporter, server)
        check_status(status, CloneTarget("").destination)
        return memo

    def _clone_beside(
        self,
        request: SeedRequest,
        folder: SeedFolder,
        memo: CloneMemo,
        reporter: SeedReporter,
        server: ServerControl,
    ) -> CloneMemo:
        if memo.is_copied and (DataSwap(folder).stage or read_marker(folder.fresh) == request.id):
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
        is_new = action in (CloneAction.START, CloneAction.RESTART)
        if action is CloneAction.RESTART:
            self._server.kill_clone(target.destination)
        if is_new:
            remove_folder(folder.fresh)  # first: what a killed server has left there needs no other room
            memo = self._begin(request, reporter)
            folder.create()
        reporter.enter(SeedPhase.TRANSFERRING)
        with let_server_pass(folder):
            if is_new:
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

    def _carry_settings(self, folder: SeedFolder, reporter: SeedReporter, server: ServerControl) -> None:
        """Let nobody read the copy before it is checked, when the server starts on it."""
        if DataSwap(folder).stage is None:
            server.start(reporter)
            self._server.carry_settings(folder.target, folder.fresh)

    def _begin(self, request: SeedRequest, reporter: SeedReporter) -> CloneMemo:
        """Check the donor, and note which CLONE is not this seed's."""
        version = self._check(request.donor, self._server.read_variables())
        status = self._server.read_facts().status
        memo = CloneMemo(previous_begin="" if status is None else status.begin_time, source_version=version)
        reporter.remember(memo.as_mapping())
        return memo

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
        empty_server(reporter, server, self._clock)
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
