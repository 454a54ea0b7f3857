"""The ages of a source's entries for joining replicas, in its journal: they outlast restarts, reboots and pauses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.donor_record import DonorRecord
from guestagent.agent.journal import DONOR_INTERVAL_S, Journal
from guestagent.metadata.document import JoiningReplica, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret

REPLICA = JoiningReplica("Slave0000", User("seed0000", Secret("pw")), "slave0000", deadline=1000)


class Source:
    """An agent on a source, which may be started anew at any time."""

    def __init__(self, folder: Path) -> None:
        self.path, self.clock, self.boot_id = folder / "journal.json", FakeClock(), "boot 1"
        self.record()

    def record(self, passed_s: float = 0.0) -> DonorRecord:
        """Record the replica, which has no channel, in a new process of the agent."""
        self.clock.time += passed_s
        (record,) = Journal(self.path, self.clock, self.boot_id).record_donors([REPLICA], [])
        return record

    @property
    def stored_record(self) -> DonorRecord:
        (record,) = Journal(self.path, self.clock, self.boot_id).state.donors
        return record


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path)


def test_an_age_counts_while_the_agent_is_stopped(source: Source) -> None:
    record = source.record(999)

    assert (record.age_s, record.is_over) == (999, False)
    assert source.record(1).is_over


def test_a_reboot_does_not_make_an_entry_young_again(source: Source) -> None:
    source.record(600)
    source.boot_id, source.clock.time = "boot 2", 10.0
    source.record()

    assert source.record(399).age_s == 999
    assert source.record(1).is_over


def test_the_ages_alone_are_written_now_and_then(source: Source) -> None:
    before = source.stored_record

    passing = source.record(DONOR_INTERVAL_S - 1)
    unwritten = source.stored_record
    source.record(1)

    assert (passing.age_s, unwritten) == (DONOR_INTERVAL_S - 1, before)
    assert source.stored_record == replace(before, age_s=DONOR_INTERVAL_S)


def test_a_source_without_joining_replicas_writes_nothing(tmp_path: Path) -> None:
    clock = FakeClock()

    Journal(tmp_path / "journal.json", clock, "boot 1").record_donors([], [])

    assert not (tmp_path / "journal.json").exists()
