"""Binary logs that are compared since the anchor, after the source was restarted or reset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guestagent.agent.anchor import Anchor, find_anchor
from guestagent.agent.divergence import Divergence
from guestagent.agent.divergence_journal import record_divergence
from guestagent.agent.journal import Journal
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.state import SourceState
from guestagent.metadata.document import Source
from tests.support.agent_states import DIALECT, build_channel, build_server, build_source_state
from tests.support.divergences import HERE, SOURCE, open_journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return open_journal(tmp_path)


def build_instance(gtids: str, started: int = 1000, **changes: Any) -> SourceState:
    """A source that shows when its process started."""
    return build_source_state(gtids, start_time=started, **changes)


class FakeComparison:
    """Binary logs of which it is known whether they differ. `asked`: from where on they were compared."""

    def __init__(self, replaced: str = "") -> None:
        self.asked: list[str] = []
        self._replaced = replaced

    def __call__(self, since: GtidHistory, until: GtidHistory) -> str:
        self.asked.append(str(since))
        return self._replaced


class TestAnchor:
    REPLICA = build_server("0-7-9", channel=build_channel())
    ANCHOR = Anchor(HERE, 1000, 0, "0-7-9")

    def observe(
        self, journal: Journal, observed_source: SourceState, logs: FakeComparison, source: Source = SOURCE
    ) -> Divergence | None:
        return record_divergence(
            journal, source, build_server("0-7-12", channel=build_channel()), observed_source, DIALECT, logs
        )

    def test_a_replica_that_holds_all_notes_its_newest_and_the_life_of_its_source(self) -> None:
        assert find_anchor(HERE, self.REPLICA, build_instance("0-7-9"), None) == self.ANCHOR

    def test_what_is_noted_already_is_not_noted_again(self) -> None:
        again = find_anchor(HERE, self.REPLICA, build_instance("0-7-9", started=1002), self.ANCHOR)

        assert again is self.ANCHOR

    def test_a_source_that_does_not_show_its_instance_is_no_anchor(self) -> None:
        assert find_anchor(HERE, self.REPLICA, build_source_state("0-7-9"), None) is None

    @pytest.mark.parametrize(
        "observed_source",
        [build_instance("0-7-30", started=5000), build_instance("0-7-30", reset_count=1)],
        ids=["another process", "a RESET"],
    )
    def test_logs_that_differ_since_another_life_began_are_a_parting(
        self, journal: Journal, observed_source: SourceState
    ) -> None:
        journal.set_anchor(self.ANCHOR)
        logs = FakeComparison("0-7-9")

        divergence = self.observe(journal, observed_source, logs)

        assert divergence is not None
        assert divergence.replaced == "0-7-9"
        assert logs.asked == ["0-7-9"]

    def test_logs_that_agree_are_none(self, journal: Journal) -> None:
        journal.set_anchor(self.ANCHOR)

        assert self.observe(journal, build_instance("0-7-30", started=5000), FakeComparison()) is None

    def test_a_promoted_source_is_compared_too(self, journal: Journal) -> None:
        journal.set_anchor(self.ANCHOR)

        divergence = self.observe(
            journal,
            build_instance("0-7-30"),
            FakeComparison("0-7-9"),
            replace(SOURCE, address="10.0.0.8"),
        )

        assert divergence is not None

    def test_logs_are_not_read_while_the_source_runs_without_a_break(self, journal: Journal) -> None:
        journal.set_anchor(self.ANCHOR)
        logs = FakeComparison("0-7-9")

        assert self.observe(journal, build_instance("0-7-30", started=998), logs) is None
        assert logs.asked == []

    def test_a_person_accepts_what_differs(self, journal: Journal) -> None:
        journal.set_anchor(self.ANCHOR)
        self.observe(journal, build_instance("0-7-30", reset_count=1), FakeComparison("0-7-9"))

        journal.accept_source(HERE)

        assert self.observe(journal, build_instance("0-7-30", reset_count=1), FakeComparison("0-7-9")) is None
