"""A seed by a backup whose data are received and prepared already: they are put in place, or that is undone."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from guestagent.errors import SeedError
from guestagent.secret import Secret
from guestagent.seeding import DonorEndpoint, SeedMethod, SeedPhase, SeedRequest, SeedState
from guestagent.seeding.backup_memo import PREPARED, RECEIVED, BackupMemo
from guestagent.seeding.backup_runner import BackupRunner, swap_or_undo
from guestagent.seeding.data_swap import DataSwap
from guestagent.seeding.fake import FakeServerControl
from guestagent.seeding.protocols import SeedReporter
from guestagent.seeding.seed_folder import SeedFolder, find_seed_folder, write_marker
from guestagent.seeding.swap_journal import SwapStage

NOWHERE = DonorEndpoint("127.0.0.1", 1, "donor0001", Secret("word"))


@dataclass(slots=True)
class MemoryReporter:
    """A SeedReporter that keeps the state in memory."""

    state: SeedState
    phases: list[SeedPhase] = field(default_factory=list)
    resumption: str = ""

    def enter(self, phase: SeedPhase) -> None:
        self.phases.append(phase)

    def report_bytes(self, done: int, total: int) -> None:
        pass

    def report_queue(self, place: int) -> None:
        pass

    def check_stalled(self) -> None:
        pass

    def report_resumption(self, how: str) -> None:
        self.resumption = how

    def remember(self, memo: Mapping[str, str]) -> None:
        self.state = replace(self.state, memo=memo)

    def check_stop(self) -> None:
        pass


@dataclass(slots=True)
class UnwillingServer(FakeServerControl):
    """A server that does not start on the new data."""

    on_start: Callable[[], None] = lambda: None

    def start(self, reporter: SeedReporter) -> None:
        FakeServerControl.start(self, reporter)
        self.on_start()


@dataclass(slots=True)
class Seed:
    """A seed whose new data are prepared, and whose replica has old ones."""

    folder: SeedFolder
    request: SeedRequest
    reporter: MemoryReporter

    @property
    def data(self) -> str:
        return (self.folder.target / "ibdata1").read_text()

    def fail_on_new_data(self) -> None:
        if self.data == "new":
            raise SeedError("it does not start")


@pytest.fixture
def seed(tmp_path: Path) -> Seed:
    data = tmp_path / "data"
    data.mkdir()
    (data / "ibdata1").write_text("old")
    folder = find_seed_folder(str(data), "a1")
    folder.create_fresh("a1")
    (folder.fresh / "ibdata1").write_text("new")
    request = SeedRequest("a1", SeedMethod.BACKUP, "mariadb", "Replica0001", "/no/socket", str(data), NOWHERE)
    memo = BackupMemo(PREPARED, "0-1-7", "10.11.6-MariaDB", 100).build_mapping()
    return Seed(folder, request, MemoryReporter(SeedState("a1", SeedMethod.BACKUP, str(data), memo=memo)))


def test_a_server_that_does_not_start_on_the_new_data_gets_the_old_ones_back(seed: Seed) -> None:
    server = UnwillingServer(on_start=seed.fail_on_new_data)

    with pytest.raises(SeedError, match="does not start"):
        BackupRunner().run(seed.request, seed.reporter, server)

    assert seed.data == "old"
    assert server.commands == ["stop", "start", "stop", "start"]


def test_a_disk_that_does_not_allow_the_replacement_leaves_the_old_data(seed: Seed) -> None:
    def rename(source: Path, target: Path) -> None:
        if source.parent == seed.folder.fresh:
            raise OSError(errno.EROFS, "Read-only file system")
        source.rename(target)

    server = FakeServerControl()
    swap = DataSwap(seed.folder, rename=rename)

    with pytest.raises(SeedError, match="Read-only file system") as failure:
        swap_or_undo(swap, seed.folder, seed.reporter, server)

    assert not failure.value.is_transient
    assert (seed.data, server.commands) == ("old", ["start"])


def test_a_full_disk_delays_the_replacement(seed: Seed) -> None:
    def rename(source: Path, target: Path) -> None:
        if source.parent == seed.folder.fresh:
            raise OSError(errno.ENOSPC, "No space left on device")
        source.rename(target)

    server = FakeServerControl()

    with pytest.raises(SeedError, match="No space left on device") as failure:
        swap_or_undo(DataSwap(seed.folder, rename=rename), seed.folder, seed.reporter, server)

    assert failure.value.is_transient
    assert (seed.data, server.commands) == ("old", ["start"])
    assert (seed.folder.fresh / "ibdata1").read_text() == "new"


def test_new_data_are_in_place_before_the_position_is_set(seed: Seed) -> None:
    with pytest.raises(SeedError, match="/no/socket"):  # no server answers there
        BackupRunner().run(seed.request, seed.reporter, FakeServerControl())

    assert seed.data == "new"
    assert seed.reporter.phases == [SeedPhase.SWAPPING, SeedPhase.STARTING, SeedPhase.POSITIONING]
    assert DataSwap(seed.folder).stage is SwapStage.DONE


def test_data_that_appear_meanwhile_are_not_replaced(seed: Seed) -> None:
    (seed.folder.target / "shop").mkdir()
    (seed.folder.target / "shop/orders.ibd").touch()
    server = FakeServerControl()

    with pytest.raises(SeedError, match="already holds data"):
        BackupRunner().run(seed.request, seed.reporter, server)

    assert (seed.data, server.commands) == ("old", ["stop", "start"])


@pytest.mark.parametrize("step", [RECEIVED, PREPARED])
def test_received_data_that_are_gone_are_received_again(seed: Seed, step: str) -> None:
    seed.folder.remove()
    seed.reporter.remember({**seed.reporter.state.memo, "step": step})

    with pytest.raises(SeedError, match=r"not installed|neither a fingerprint nor a CA"):
        BackupRunner().run(seed.request, seed.reporter, FakeServerControl())

    assert seed.reporter.phases == [SeedPhase.CONNECTING]
    assert seed.reporter.resumption == "the copy begins anew"


def test_a_replacement_of_which_nothing_is_known_is_undone_first(seed: Seed) -> None:
    DataSwap(seed.folder).swap()
    seed.reporter.remember({})
    server = FakeServerControl()

    with pytest.raises(SeedError):
        BackupRunner().run(seed.request, seed.reporter, server)

    assert (seed.data, server.commands) == ("old", ["stop", "start"])


def test_a_seed_that_is_not_wanted_any_more_leaves_nothing(seed: Seed) -> None:
    server = FakeServerControl()

    BackupRunner().clean_up(seed.reporter, server)

    assert (seed.data, seed.folder.path.exists(), server.commands) == ("old", False, [])


def test_a_seed_that_is_withdrawn_after_the_replacement_puts_the_old_data_back(seed: Seed) -> None:
    DataSwap(seed.folder).swap()
    server = FakeServerControl()

    BackupRunner().clean_up(seed.reporter, server)

    assert (seed.data, seed.folder.path.exists()) == ("old", False)
    assert (server.commands, seed.reporter.phases) == (["stop"], [SeedPhase.SWAPPING])
    assert seed.reporter.state.memo == {}


def test_a_complete_seed_removes_its_files_once_more_after_a_kill(seed: Seed) -> None:
    DataSwap(seed.folder).swap()
    write_marker(seed.folder.target, "a1")
    seed.reporter.remember({**seed.reporter.state.memo, "step": "positioned"})

    result = BackupRunner().run(seed.request, seed.reporter, FakeServerControl())

    assert (result.position, result.bytes_done) == ("0-1-7", 100)
    assert seed.reporter.resumption == "the data are in place"
    assert [path.name for path in seed.folder.target.iterdir()] == ["ibdata1"]
    assert not seed.folder.path.exists()
