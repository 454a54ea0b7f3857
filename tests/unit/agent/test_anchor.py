"""The last proof that a replica and its source have one history: what it must notice and what it must keep."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.anchor import Anchor, build_anchor, find_anchor
from guestagent.agent.divergence import Divergence, SourceIdentity
from guestagent.agent.divergence_journal import record_skipped_changes, record_unlogged_changes
from guestagent.agent.journal import Journal
from guestagent.agent.journal_format import dump_journal, parse_journal
from guestagent.agent.journal_state import JournalState
from guestagent.metadata.document import Source, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.agent_states import build_history, build_server, build_source_state

SOURCE = SourceIdentity("10.0.0.7", 3306)
ADDRESS = Source("10.0.0.7", User("slave0000", Secret("pw")))
ANCHOR = Anchor(SOURCE, 1000, 0, "0-7-9", connections=50, accepted=(("0-7-9", 77),))


@pytest.mark.parametrize(("connections", "is_same"), [(49, False), (50, True), (90, True), (None, True)])
def test_fewer_connections_than_before_prove_another_instance(connections: int | None, is_same: bool) -> None:
    state = build_source_state("0-7-9", start_time=1000, connection_count=connections)

    assert ANCHOR.has_same_instance(SOURCE, state) is is_same


def test_an_anchor_keeps_what_a_person_has_accepted() -> None:
    state = build_source_state("0-7-12", start_time=1000, connection_count=60)

    anchor = find_anchor(SOURCE, build_server("0-7-12"), state, ANCHOR)

    assert anchor == replace(ANCHOR, newest="0-7-12", connections=60)


def test_an_anchor_at_another_source_keeps_nothing_of_the_former_one() -> None:
    state = build_source_state("0-7-12", start_time=1000, connection_count=60)
    other = SourceIdentity("10.0.0.9", 3306)

    anchor = find_anchor(other, build_server("0-7-12"), state, replace(ANCHOR, uncompared="purged"))

    assert anchor == Anchor(other, 1000, 0, "0-7-12", 60)


def test_logs_that_could_not_be_compared_are_remembered_for_all_later_instances() -> None:
    state = build_source_state("0-7-9", start_time=5000, connection_count=3)

    anchor = find_anchor(SOURCE, build_server("0-7-9"), state, ANCHOR, "the source: purged")
    later = find_anchor(SOURCE, build_server("0-7-20"), replace(state, start_time=9000), anchor)

    assert (anchor and anchor.uncompared, later and later.uncompared) == ("the source: purged",) * 2


def test_a_source_of_unknown_start_has_no_anchor() -> None:
    assert build_anchor(SOURCE, build_source_state("0-7-9"), build_history("0-7-9")) is None


def test_a_journal_keeps_the_whole_anchor_and_reads_one_of_an_older_version() -> None:
    content = json.loads(json.dumps(dump_journal(JournalState(anchor=replace(ANCHOR, uncompared="purged")))))
    older = {
        "source": {"address": "10.0.0.7", "port": 3306, "uuid": ""},
        "started": 1,
        "resets": 0,
        "newest": "0-7-9",
    }

    assert parse_journal(content).anchor == replace(ANCHOR, uncompared="purged")
    assert parse_journal({**content, "anchor": older}).anchor == Anchor(SOURCE, 1, 0, "0-7-9")


def test_settings_of_channels_with_names_are_remembered(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.json", FakeClock(), "boot 1")

    record_skipped_changes(journal, ADDRESS, "")
    assert journal.state.divergences == frozenset()
    record_skipped_changes(journal, ADDRESS, "IGNORE_SERVER_IDS of channel x = 71")

    assert journal.state.divergences == {Divergence(SOURCE, skipped="IGNORE_SERVER_IDS of channel x = 71")}


def test_a_replica_whose_log_shows_nothing_needs_a_person(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.json", FakeClock(), "boot 1")

    divergence = record_unlogged_changes(
        journal, ADDRESS, build_source_state("0-7-30"), "log_slave_updates = OFF"
    )

    assert divergence is not None
    assert journal.state.divergences == {divergence}
    assert "cannot be verified: log_slave_updates = OFF" in str(divergence)


def test_an_accepted_source_has_the_anchor_with_which_it_was_accepted(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.json", FakeClock(), "boot 1")
    journal.record_divergence(Divergence(SOURCE, errant="0-7-9"))

    journal.accept_source(SOURCE, ANCHOR)

    assert Journal(tmp_path / "journal.json", FakeClock(), "boot 1").state.anchor == ANCHOR
