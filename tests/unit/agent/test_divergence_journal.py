"""What the journal keeps of a divergence and of an accepted source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from guestagent.agent.divergence import Divergence, Sighting
from guestagent.agent.divergence_journal import record_divergence
from guestagent.agent.journal import Journal
from guestagent.database.state import ServerState, SourceState
from tests.support.agent_states import DIALECT, build_channel, build_server, build_source_state
from tests.support.divergences import AHEAD, HERE, SOURCE, build_stopped_server, open_journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return open_journal(tmp_path)


def record(journal: Journal, state: ServerState, source: SourceState | None) -> Divergence | None:
    return record_divergence(journal, SOURCE, state, source, DIALECT)


class TestMemory:
    def test_a_parting_outlives_whatever_the_source_holds_later(
        self, journal: Journal, tmp_path: Path
    ) -> None:
        first = record(journal, build_server("0-7-9", channel=build_channel()), build_source_state("0-7-5"))

        later = record(
            open_journal(tmp_path),
            build_server("0-7-9", channel=build_channel()),
            build_source_state("0-7-500"),
        )

        assert later == first
        assert first is not None

    def test_a_parting_counts_for_a_source_that_does_not_answer(self, journal: Journal) -> None:
        record(journal, build_server("0-7-9", channel=build_channel()), build_source_state("0-7-5"))

        assert record(journal, build_server("0-7-9", channel=build_channel()), None) is not None

    def test_a_parting_counts_in_every_generation(self, journal: Journal) -> None:
        journal.begin_task("one")
        record(journal, build_server("0-7-9", channel=build_channel()), build_source_state("0-7-5"))
        journal.begin_task("two")

        assert (
            record(journal, build_server("0-7-9", channel=build_channel()), build_source_state("0-7-10"))
            is not None
        )

    def test_another_source_that_contains_all_may_be_followed(self, journal: Journal) -> None:
        record(journal, build_server("0-7-9", channel=build_channel()), build_source_state("0-7-5"))
        promoted = replace(SOURCE, address="10.0.0.8")

        assert (
            record_divergence(
                journal,
                promoted,
                build_server("0-7-9", channel=build_channel()),
                build_source_state("0-7-9"),
                DIALECT,
            )
            is None
        )
        assert (
            record(journal, build_server("0-7-9", channel=build_channel()), build_source_state("0-7-10"))
            is not None
        )

    def test_a_rejection_by_the_former_source_is_remembered_of_that_one(self, journal: Journal) -> None:
        promoted, replica = replace(SOURCE, address="10.0.0.8"), build_stopped_server(AHEAD)

        now = record_divergence(journal, promoted, replica, build_source_state("0-7-9"), DIALECT)
        back = record(journal, build_server("0-7-9", channel=build_channel()), build_source_state("0-7-9"))

        assert now is None
        assert back is not None

    def test_a_server_that_was_made_blank_may_follow(self, journal: Journal) -> None:
        record(journal, build_server("0-7-9", channel=build_channel()), build_source_state("0-7-5"))

        assert record(journal, build_server(), build_source_state("0-7-10")) is None
        assert journal.state.divergences == frozenset()

    def test_an_accepted_source_may_be_followed_and_its_error_starts_the_channel_once(
        self, journal: Journal
    ) -> None:
        replica, source = build_stopped_server(AHEAD), build_source_state("0-7-9")
        record(journal, replica, source)

        journal.accept_source(HERE)

        assert record(journal, replica, source) is None
        journal.clear_acceptance()
        assert record(journal, replica, source) is not None, "the source rejected the receiver again"

    def test_what_was_accepted_is_forgotten_when_the_channel_runs(self, journal: Journal) -> None:
        record(journal, build_stopped_server(AHEAD), build_source_state("0-7-9"))
        journal.accept_source(HERE)

        record(journal, build_server("0-7-6", channel=build_channel()), build_source_state("0-7-9"))

        assert journal.state.divergences == frozenset()

    def test_an_accepted_source_need_not_have_what_it_had_shown_before(self, journal: Journal) -> None:
        replica = build_server("0-7-5", channel=build_channel())
        journal.set_sighting(Sighting(HERE, "0-7-20"))
        record(journal, replica, build_source_state("0-7-12"))

        journal.accept_source(HERE)

        assert record(journal, replica, build_source_state("0-7-12")) is None

    def test_an_accepted_source_that_lacks_something_has_parted_again(self, journal: Journal) -> None:
        record(journal, build_stopped_server(AHEAD), build_source_state("0-7-9"))
        journal.accept_source(HERE)

        assert (
            record(journal, build_server("0-7-11", channel=build_channel()), build_source_state("0-7-10"))
            is not None
        )
