"""Seeds that are cut, and what a source loses before or after them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

from guestagent.seeding import SeedPhase
from tests.failures.row import READY, FailureArea, expect_final
from tests.failures.rows.history import purge_older_logs
from tests.failures.seeding import SeedingPair, open_seeding
from tests.failures.server_pair import ApplyAnswer, Pair
from tests.support.polling import wait_until
from tests.support.processes import find_processes, kill

area = FailureArea("seeds that are cut")
ScenarioAnswers = Generator[ApplyAnswer, None, None]
SLOW = {"RateLimit": 1}
"""A limit with which the rows of `open_large_seeding` take long enough for something to happen meanwhile."""


@contextmanager
def open_large_seeding(pair: Pair, method: str) -> Iterator[SeedingPair]:
    """Let the source have some MiB of rows."""
    with open_seeding(pair, method) as seeding:
        seeding.prepare_source()
        pair.source.server.execute(
            "INSERT INTO d.t SELECT 10 + id, REPEAT(SHA2(RAND(), 512), 16000) FROM d.t",
            "INSERT INTO d.t SELECT 20 + id, REPEAT(SHA2(RAND(), 512), 16000) FROM d.t",
        )
        yield seeding


def wait_for_bytes(seeding: SeedingPair) -> None:
    """Wait until a part of the data has come."""

    def has_bytes() -> bool:
        state = seeding.read_state()
        return state is not None and state.phase is SeedPhase.TRANSFERRING and state.bytes_done > 0

    wait_until(has_bytes)


def kill_worker(seeding: SeedingPair) -> None:
    for pid in find_processes("guestagent seed run", str(seeding.replica.settings)):
        kill(pid)


@area.row(READY, heals=False)
def a_seed_worker_that_is_killed(pair: Pair) -> ScenarioAnswers:
    with open_large_seeding(pair, "dump") as seeding:
        process = pair.replica.start_apply(seeding.build_document(seeding=SLOW))
        wait_for_bytes(seeding)
        kill_worker(seeding)
        yield pair.replica.wait_for_answer(process, 60)
        pair.compare_rows()


@area.row(expect_final("seed", "the server holds the data of a seed that is incomplete"), heals=False)
def half_copied_data_without_a_donor_in_the_document(pair: Pair) -> ScenarioAnswers:
    with open_large_seeding(pair, "dump") as seeding:
        process = pair.replica.start_apply(seeding.build_document(seeding=SLOW))
        wait_for_bytes(seeding)
        process.kill()
        process.communicate()
        kill_worker(seeding)
        yield pair.replica.apply(pair.build_replica_document(Deadline=30))
        assert pair.replica.server.execute(pair.build_channel_statement("SHOW") + " STATUS") == []
        seeding.check_healed()


@area.row(
    expect_final("receiver", "the source no longer has the binary logs that this replica needs"), heals=False
)
def a_source_that_purged_what_a_seeded_replica_lacks(pair: Pair) -> ScenarioAnswers:
    with open_seeding(pair) as seeding:
        seeding.prepare_source()
        assert seeding.seed().is_ready
        pair.replica.server.execute(pair.build_channel_statement("STOP"))
        pair.insert_rows(4, 5)
        pair.source.server.execute("FLUSH BINARY LOGS")
        pair.insert_rows(6)
        purge_older_logs(pair)
        yield seeding.seed()
        # The source gives a node another donor account for each seed.
        entry = seeding.build_donor_entry("donor0001")
        seeding.prepare_source(donor={"Replicas": [entry]}, Generation=2)
        seeding.check_healed(seeding={"Reseed": True}, donor={"User": entry["User"]})
