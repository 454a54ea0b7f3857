"""Seeds a server by a logical dump of its source, whose version may be another one. A SeedRunner.

The dump is executed by the local server, which must be empty, or may be made so: a dump cannot keep the old data.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from guestagent.byte_units import MIB
from guestagent.database.gtid_history import GtidHistory
from guestagent.errors import SeedError, StorageError
from guestagent.retry import Clock, SystemClock
from guestagent.seeding.disk_space import plan_disk
from guestagent.seeding.dump_command import build_dump_arguments, build_load_arguments, open_option_file
from guestagent.seeding.dump_dialect import DIALECTS, DumpDialect
from guestagent.seeding.dump_source import DumpSource, SourceFacts
from guestagent.seeding.dump_target import DumpTarget
from guestagent.seeding.dump_transfer import DumpTransfer, LoadedDump
from guestagent.seeding.local_data import check_replaceable, list_schemas, measure_folder
from guestagent.seeding.programs import SeedPrograms
from guestagent.seeding.protocols import SeedReporter, SeedResult, ServerControl
from guestagent.seeding.request import SeedRequest
from guestagent.seeding.seed_folder import find_seed_folder, read_marker, remove_marker, write_marker
from guestagent.seeding.state import SeedPhase
from guestagent.seeding.undone_seed import read_family, remove_unfinished_data

SETTING_PREFIX = "setting "
POSITION, BYTES, VERSION = "position", "bytes", "version"
LOST_POSITION = "lost position"
INSTALL_ADVICE = "install the client programs of the server's version"
DISCARD_ADVICE = (
    "`guestagent reseed --discard` gives up the old data first (Seeding.Discard); other methods keep them"
)


class DumpRunner:
    """A SeedRunner. What was cut is begun anew: the half-loaded data are this seed's, as the marker tells."""

    def __init__(self, programs: SeedPrograms | None = None, clock: Clock | None = None) -> None:
        self._programs, self._clock = programs or SeedPrograms(), clock or SystemClock()

    def run(self, request: SeedRequest, reporter: SeedReporter, server: ServerControl) -> SeedResult:
        """Load the source's data, and record their position."""
        place = find_seed_folder(request.data_directory, request.id).target
        memo = reporter.state.memo
        is_loaded = POSITION in memo
        reporter.report_resumption("the data are in place" if is_loaded else "the dump begins anew")
        if not is_loaded:
            memo = self._load(request, reporter, server)
        remove_marker(place)
        return SeedResult(memo[POSITION], int(memo[BYTES]), memo[VERSION])

    def clean_up(self, reporter: SeedReporter, server: ServerControl) -> None:
        """Remove what has been loaded, and give the server its own settings again."""
        folder, memo = find_seed_folder(reporter.state.data_directory, reporter.state.id), reporter.state.memo
        settings = {name: value for name, value in memo.items() if name.startswith(SETTING_PREFIX)}
        position = memo.get(POSITION, memo.get(LOST_POSITION, ""))
        reporter.remember({**settings, LOST_POSITION: position})  # the position counts no more

        def is_loaded(history: GtidHistory) -> bool:
            return type(history).parse(position).contains(history)

        is_marked = read_marker(folder.target) == reporter.state.id
        remove_unfinished_data(folder, reporter, server, self._clock, is_loaded)
        if is_marked:
            family = read_family(server.socket)
            target = DumpTarget(server.socket, family, DIALECTS[family], self._clock)
            target.restore_settings({name.removeprefix(SETTING_PREFIX): settings[name] for name in settings})

    def _load(self, request: SeedRequest, reporter: SeedReporter, server: ServerControl) -> Mapping[str, str]:
        dialect = DIALECTS[request.family]
        reporter.enter(SeedPhase.CONNECTING)
        _check_request(request)
        self._check_programs(dialect)
        server.start(reporter)
        source = DumpSource(request.donor, request.family, dialect)
        facts = source.read_facts()
        folder = find_seed_folder(request.data_directory, request.id)
        check_replaceable(request, folder)
        _check_disk(request, folder.target, facts)
        target = DumpTarget(request.socket, request.family, dialect, self._clock)
        target.check_encryption(facts.encrypted_tables)
        write_marker(folder.target, request.id, discards_data=request.replaces_data)
        with _change_settings(target, reporter):
            target.clear(reporter)
            dump = self._transfer(request, dialect, source, facts, reporter)
            reporter.enter(SeedPhase.VERIFYING)
            source.check_objects(facts)
            reporter.enter(SeedPhase.PREPARING)
            target.disable_events()
            target.create_accounts(facts.accounts)
        reporter.enter(SeedPhase.POSITIONING)
        target.set_position(dump.position)
        memo = {POSITION: dump.position, BYTES: str(dump.bytes_done), VERSION: facts.version}
        reporter.remember(memo)
        return memo

    def _transfer(
        self,
        request: SeedRequest,
        dialect: DumpDialect,
        source: DumpSource,
        facts: SourceFacts,
        reporter: SeedReporter,
    ) -> LoadedDump:
        reporter.enter(SeedPhase.TRANSFERRING)
        transfer = DumpTransfer(
            dialect,
            self._programs,
            self._clock,
            request.rate_limit * MIB,
            lambda: source.check_accounts(facts),
        )
        with open_option_file(
            request.family, dialect, request.donor, is_encrypted=facts.is_encrypted
        ) as files:
            return transfer.run(
                build_dump_arguments(dialect, files.option_file, facts.schemas),
                build_load_arguments(dialect, request.socket),
                files.descriptors,
                reporter,
            )

    def _check_programs(self, dialect: DumpDialect) -> None:
        for name in (dialect.dump_program, dialect.load_program):
            if not self._programs.has_program(name):
                raise SeedError(f"{name} is not installed on this node", INSTALL_ADVICE)


def _check_request(request: SeedRequest) -> None:
    if request.replaces_data and not request.discards_data:
        raise SeedError(
            "a dump is loaded into the server itself: it cannot keep the old data until the new ones are there",
            DISCARD_ADVICE,
        )


def _check_disk(request: SeedRequest, place: Path, facts: SourceFacts) -> None:
    """Raise SeedError if the source's data do not fit beside what stays here: the present schemas are dropped first."""
    try:
        free_bytes = shutil.disk_usage(place).free
    except OSError as error:
        raise StorageError(f"cannot read the free space of {place}: {error.strerror}") from error
    old_bytes = sum(measure_folder(place / schema) for schema in list_schemas(place))
    plan_disk(facts.data_bytes, free_bytes, old_bytes, request.data_directory, discards_data=True)


@contextmanager
def _change_settings(target: DumpTarget, reporter: SeedReporter) -> Iterator[None]:
    """Set the server up for a load during the block. The memo has its own values, for an attempt after a kill."""
    memo = reporter.state.memo
    settings = {
        name.removeprefix(SETTING_PREFIX): value
        for name, value in memo.items()
        if name.startswith(SETTING_PREFIX)
    }
    if not settings:
        settings = dict(target.read_settings())
        reporter.remember({SETTING_PREFIX + name: value for name, value in settings.items()})
    target.change_settings(settings)
    try:
        yield
    except BaseException:
        with suppress(SeedError):
            target.restore_settings(settings)
        raise
    target.restore_settings(settings)
