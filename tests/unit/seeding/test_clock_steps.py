"""Clocks that are set while a seed goes on, and clocks that begin anew at a reboot."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from guestagent.controller.donor_certificate import create_certificate
from guestagent.database.mysql.clone_state import IN_PROGRESS, THIS_INSTANCE, CloneStatus
from guestagent.errors import SeedError
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from guestagent.seeding import DonorEndpoint, SeedFiles, SeedMethod, SeedPhase, SeedRequest, SeedState
from guestagent.seeding.clone_decision import CloneAction, CloneTarget, RecipientFacts, decide_clone
from guestagent.seeding.donor import DonorConfiguration
from guestagent.seeding.donor.environment import build_server_context
from guestagent.seeding.donor_client import DonorClient
from guestagent.seeding.dump_source import SourceFacts, list_written_tables
from guestagent.seeding.fake import FakeRunner, FakeServerControl
from guestagent.seeding.worker import WorkerEnvironment, run_seed

DONOR = DonorEndpoint("10.0.0.7", 3306, "donor0001", Secret("s3cret"), stream_port=4444)
REQUEST = SeedRequest("a1", SeedMethod.BACKUP, "mariadb", "Replica0001", "/run/x.sock", "/data", DONOR)
FACTS = SourceFacts("11.8", "2026-11-29 12:00:00", 0, True, (), {}, {"shop.old": "2026-11-29 11:59:00"}, ())


class Killed(BaseException):
    """Ends the process, as kill -9 would."""


def run_worker(files: SeedFiles, clock: FakeClock, runner: FakeRunner) -> SeedState | None:
    runners = {SeedMethod.BACKUP: lambda: runner}
    return run_seed(
        WorkerEnvironment(files, clock, FakeServerControl(), runners, lambda: False, lambda line: None)
    )


def test_the_seconds_of_a_seed_go_on_after_a_reboot(tmp_path: Path) -> None:
    """The clock counts from the boot of the machine, so it is smaller afterwards."""
    files, before, after = SeedFiles(tmp_path), FakeClock(90_000.0), FakeClock(12.0)
    files.write_request(REQUEST)

    def lose_power(done: int) -> None:
        before.sleep(40)
        if done == 100:
            raise Killed

    with suppress(Killed):
        run_worker(files, before, FakeRunner(on_step=lose_power))

    state = run_worker(files, after, FakeRunner(on_step=lambda done: after.sleep(10)))

    assert state is not None
    assert state.phase is SeedPhase.DONE
    assert state.elapsed_s == 60.0  # what moved in the last step before the power was lost is not on the disk
    assert state.phase_seconds["transferring"] == 60.0


def test_no_time_of_day_is_in_the_files_of_a_seed(tmp_path: Path) -> None:
    files = SeedFiles(tmp_path)
    files.write_request(REQUEST)

    run_worker(files, FakeClock(), FakeRunner())

    content = (files.folder / "state.json").read_text()
    assert f"{datetime.now(timezone.utc):%Y}" not in content


@pytest.mark.parametrize("begin", ["2026-11-29 11:00:00.000", "2026-11-29 13:00:00.000"])
def test_a_clone_is_followed_whichever_way_the_clock_was_set_before_it(begin: str) -> None:
    status = CloneStatus(IN_PROGRESS, 7, begin, "10.0.0.7:3306", THIS_INSTANCE)

    action = decide_clone(
        CloneTarget("10.0.0.7:3306"),
        RecipientFacts(status),
        previous_begin="2026-11-29 12:00:00.000",
        is_marked=True,
    )

    assert action is CloneAction.FOLLOW


@pytest.mark.parametrize(
    ("time", "names"),
    [
        ("2026-11-29 11:59:00", []),
        ("2026-11-29 12:00:03", ["shop.old"]),
        ("2026-11-29 11:00:03", ["shop.old"]),
    ],
    ids=["not written", "written", "written after the clock was set back"],
)
def test_tables_that_are_written_during_a_dump_are_found(time: str, names: list[str]) -> None:
    assert list_written_tables(FACTS, {"shop.old": time}) == names


def test_a_table_that_is_new_is_written() -> None:
    assert list_written_tables(FACTS, {"shop.new": "2026-11-29 11:00:00"}) == ["shop.new"]


@contextmanager
def open_donor(begin: datetime) -> Iterator[DonorEndpoint]:
    """Present a certificate that is valid from this time on to one connection."""
    pair = create_certificate("source", begin)
    configuration = DonorConfiguration(0, "/no/socket", "/data", (), pair.certificate, pair.key)
    context = build_server_context(configuration, {})
    with socket.create_server(("127.0.0.1", 0)) as server:

        def present() -> None:
            stream, _ = server.accept()
            with suppress(OSError), context.wrap_socket(stream, server_side=True):
                pass

        thread = threading.Thread(target=present)
        thread.start()
        yield replace(DONOR, host="127.0.0.1", stream_port=server.getsockname()[1], ca=pair.certificate)
        thread.join()


@pytest.mark.parametrize(
    ("begin", "is_transient", "reason"),
    [(timedelta(days=30), True, "not yet valid"), (timedelta(days=-4000), False, "expired")],
    ids=["early", "late"],
)
def test_a_replica_whose_clock_is_behind_asks_again(
    begin: timedelta, is_transient: bool, reason: str
) -> None:
    with (
        open_donor(datetime.now(timezone.utc) + begin) as endpoint,
        pytest.raises(SeedError, match=reason) as failure,
    ):
        DonorClient(endpoint, lambda: None)

    assert failure.value.is_transient is is_transient
