"""When a replica has diverged from its source, and what the journal keeps of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guestagent.agent.anchor import Anchor, find_anchor
from guestagent.agent.divergence import (
    Divergence,
    Sighting,
    SourceIdentity,
    find_divergence,
    find_sighting,
)
from guestagent.agent.divergence_journal import record_divergence
from guestagent.agent.journal import Journal
from guestagent.agent.journal_state import JournalState
from guestagent.agent.model import ConditionState, ObservedState
from guestagent.database.gtid_history import GtidHistory
from guestagent.database.harmful_settings import ReplicationSetting, ReplicationSide
from guestagent.database.mysql import MysqlDialect
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.state import ReceiverState, ServerError, ServerState, SourceState
from guestagent.metadata.document import Source, User
from guestagent.retry import FakeClock
from guestagent.secret import Secret
from tests.support.agent_states import (
    DIALECT,
    build_channel,
    build_desired_replica,
    build_memory,
    build_observed,
    build_server,
    build_source_state,
    judge_state,
    plan_allowed_steps,
)

UUID, OTHER = "3e11fa47-71ca-11e1-9e33-c80aa9429562", "4e11fa47-71ca-11e1-9e33-c80aa9429562"
HERE = SourceIdentity("10.0.0.7", 3306)
WANTED = Source("10.0.0.7", User("slave0000", Secret("pw")))
AHEAD = ServerError(1236, "requested to start from GTID 0-7-9, which is not in the master's binlog")


def build_mysql(executed: str, **changes: Any) -> ServerState:
    return build_server(history=MysqlHistory.parse(executed), schemas=("d",), **changes)


def build_mysql_source(executed: str, uuid: str = UUID, **changes: Any) -> SourceState:
    return build_source_state(history=MysqlHistory.parse(executed), uuid=uuid, **changes)


def build_stopped_server(error: ServerError) -> ServerState:
    return build_server("0-7-5", channel=build_channel(receiver=ReceiverState.STOPPED, receiver_error=error))


def detect(
    state: ServerState, source: SourceState, sighting: Sighting | None = None, at: SourceIdentity = HERE
) -> Divergence | None:
    dialect = MysqlDialect() if isinstance(state.history, MysqlHistory) else DIALECT
    return find_divergence(at, state, source, sighting, dialect)


def test_a_replica_that_its_source_contains_has_not_parted() -> None:
    assert detect(build_server("0-7-5", channel=build_channel()), build_source_state("0-7-9")) is None


def test_a_replica_that_is_ahead_of_its_source_has_parted() -> None:
    divergence = detect(build_server("0-7-9", channel=build_channel()), build_source_state("0-7-5"))

    assert divergence == Divergence(HERE, errant="0-7-9", history="0-7-5")


@pytest.mark.parametrize(
    "error",
    [
        AHEAD,
        ServerError(
            1236, "The binlog on the master is missing the GTID 0-7-5 requested by the slave (even though ..."
        ),
        ServerError(1952, "Unexpected GTID received from master after reconnect"),
    ],
)
def test_a_receiver_rejected_for_its_history_proves_a_divergence_whatever_the_source_has(
    error: ServerError,
) -> None:
    divergence = detect(build_stopped_server(error), build_source_state("0-7-500"))

    assert divergence is not None
    assert str(error.number) in divergence.rejected


@pytest.mark.parametrize(
    "text",
    [
        "Replica has more GTIDs than the source has, using the source's SERVER_UUID",
        "I/O error reading log event; the first event '' at 4, the last event read from './binlog.000001' at 2328",
        "could not find next log; the first event 'binlog.000001' at 4",
    ],
)
def test_a_mysql_that_rejects_the_receiver_for_its_history_has_parted(text: str) -> None:
    stopped = build_channel(
        receiver=ReceiverState.STOPPED, receiver_error=ServerError(13114, f"Got fatal error 1236: '{text}'")
    )

    assert (
        detect(build_mysql(f"{UUID}:1-5", channel=stopped), build_mysql_source(f"{UUID}:1-500")) is not None
    )


@pytest.mark.parametrize(
    "error",
    [
        ServerError(1236, "Could not find GTID state requested by slave"),
        ServerError(0, ""),
        ServerError(1045, ""),
    ],
)
def test_other_errors_of_a_receiver_are_no_parting(error: ServerError) -> None:
    assert detect(build_stopped_server(error), build_source_state("0-7-9")) is None


def test_an_error_of_a_channel_to_another_server_proves_nothing_about_this_source() -> None:
    elsewhere = build_channel("10.0.0.99", receiver=ReceiverState.STOPPED, receiver_error=AHEAD)

    assert detect(build_server("0-7-5", channel=elsewhere), build_source_state("0-7-9")) is None


def test_a_source_that_has_lost_what_it_had_shown_has_gone_back_in_time() -> None:
    replica, before, now = (
        build_server("0-7-5", channel=build_channel()),
        build_source_state("0-7-20"),
        build_source_state("0-7-12"),
    )

    divergence = detect(replica, now, find_sighting(HERE, replica, before))

    assert divergence == Divergence(HERE, lost="0-7-20", history="0-7-12")


def test_a_source_that_goes_on_from_what_it_had_shown_is_the_same() -> None:
    replica, before = build_server("0-7-5", channel=build_channel()), build_source_state("0-7-20")

    assert detect(replica, build_source_state("0-7-21"), find_sighting(HERE, replica, before)) is None


def test_nothing_is_remembered_of_a_source_whose_replica_has_caught_up() -> None:
    assert find_sighting(HERE, build_server("0-7-20"), build_source_state("0-7-20")) is None


def test_of_a_long_history_the_newest_transaction_of_each_origin_is_remembered() -> None:
    many = ":".join(f"{n}" for n in range(1, 40001, 2))
    at = replace(HERE, uuid=UUID)

    sighting = find_sighting(at, build_mysql(f"{UUID}:1-7"), build_mysql_source(f"{UUID}:{many},{OTHER}:1-9"))

    assert sighting == Sighting(at, f"{UUID}:39999,{OTHER}:9")


def test_a_promoted_mysql_at_the_same_address_need_not_have_what_the_replica_never_had() -> None:
    replica = build_mysql(f"{UUID}:1-5", channel=build_channel())
    sighting = find_sighting(replace(HERE, uuid=UUID), replica, build_mysql_source(f"{UUID}:1-20"))

    promoted = build_mysql_source(f"{UUID}:1-6,{OTHER}:1-2", uuid=OTHER)

    assert detect(replica, promoted, sighting, replace(HERE, uuid=OTHER)) is None


def test_what_may_wait_for_an_acknowledgement_is_no_parting_yet() -> None:
    replica = build_mysql(f"{UUID}:1-6", channel=build_channel())

    assert detect(replica, build_mysql_source(f"{UUID}:1-5", waiting_session_count=1)) is None
    assert detect(replica, build_mysql_source(f"{UUID}:1-5")) is not None


def test_what_another_server_gave_waits_for_no_acknowledgement() -> None:
    replica = build_mysql(f"{UUID}:1-6,{OTHER}:1", channel=build_channel())

    assert detect(replica, build_mysql_source(f"{UUID}:1-5", waiting_session_count=1)) is not None


def test_a_blank_replica_contradicts_nobody() -> None:
    sighting = Sighting(HERE, "0-7-9")

    assert detect(build_server(), build_source_state("0-7-2"), sighting) is None


def test_a_parting_keeps_little_of_a_long_history() -> None:
    many = ":".join(f"{n}" for n in range(1, 40001, 2))

    divergence = detect(
        build_mysql(f"{UUID}:2", channel=build_channel()), build_mysql_source(f"{UUID}:{many}")
    )

    assert divergence is not None
    assert divergence.errant == f"{UUID}:2"
    assert len(divergence.history) < 400


class TestSameSource:
    def test_a_rebuilt_server_keeps_its_address(self) -> None:
        assert replace(HERE, uuid=UUID).is_same(replace(HERE, uuid=OTHER))

    def test_a_server_that_moved_keeps_its_uuid(self) -> None:
        assert SourceIdentity("10.0.0.7", 3306, UUID).is_same(SourceIdentity("db.example", 3307, UUID))

    def test_a_promoted_server_elsewhere_is_another(self) -> None:
        assert not SourceIdentity("10.0.0.7", 3306, UUID).is_same(SourceIdentity("10.0.0.8", 3306, OTHER))
        assert not HERE.is_same(SourceIdentity("10.0.0.8", 3306))


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return open_journal(tmp_path)


def open_journal(folder: Path) -> Journal:
    return Journal(folder / "journal.json", FakeClock(), "boot")


def record(journal: Journal, state: ServerState, source: SourceState | None) -> Divergence | None:
    return record_divergence(journal, WANTED, state, source, DIALECT)


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
        promoted = replace(WANTED, address="10.0.0.8")

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
        promoted, replica = replace(WANTED, address="10.0.0.8"), build_stopped_server(AHEAD)

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
        self, journal: Journal, seen: SourceState, logs: FakeComparison, wanted: Source = WANTED
    ) -> Divergence | None:
        return record_divergence(
            journal, wanted, build_server("0-7-12", channel=build_channel()), seen, DIALECT, logs
        )

    def test_a_replica_that_holds_all_notes_its_newest_and_the_life_of_its_source(self) -> None:
        assert find_anchor(HERE, self.REPLICA, build_instance("0-7-9"), None) == self.ANCHOR

    def test_what_is_noted_already_is_not_noted_again(self) -> None:
        again = find_anchor(HERE, self.REPLICA, build_instance("0-7-9", started=1002), self.ANCHOR)

        assert again is self.ANCHOR

    def test_a_source_that_does_not_show_its_instance_is_no_anchor(self) -> None:
        assert find_anchor(HERE, self.REPLICA, build_source_state("0-7-9"), None) is None

    @pytest.mark.parametrize(
        "seen",
        [build_instance("0-7-30", started=5000), build_instance("0-7-30", reset_count=1)],
        ids=["another process", "a RESET"],
    )
    def test_logs_that_differ_since_another_life_began_are_a_parting(
        self, journal: Journal, seen: SourceState
    ) -> None:
        journal.set_anchor(self.ANCHOR)
        logs = FakeComparison("0-7-9")

        divergence = self.observe(journal, seen, logs)

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
            replace(WANTED, address="10.0.0.8"),
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


def test_nothing_is_done_to_a_parted_replica_and_the_condition_names_the_way_out() -> None:
    observed = replace(
        build_observed(build_stopped_server(AHEAD), build_source_state("0-7-500")),
        divergence=Divergence(HERE, rejected=str(AHEAD)),
    )

    steps = plan_allowed_steps(build_desired_replica(), observed, build_memory(), DIALECT)
    worst = judge_state(build_desired_replica(), observed, JournalState(), DIALECT).worst_condition

    assert steps == ()
    assert worst.state is ConditionState.FINAL
    assert "diverged from the source 10.0.0.7:3306" in worst.actual
    assert "guestagent accept-source" in worst.advice


def test_a_parted_replica_is_not_pointed_with_a_new_password_either() -> None:
    observed = ObservedState(
        build_server("0-7-5", channel=build_channel()),
        source=build_source_state("0-7-9"),
        divergence=Divergence(HERE, "0-7-5"),
    )

    assert plan_allowed_steps(build_desired_replica(), observed, build_memory("another"), DIALECT) == ()


def test_a_setting_that_left_out_changes_is_remembered_as_a_parting() -> None:
    mode = ReplicationSetting("slave_exec_mode", "IDEMPOTENT", ReplicationSide.REPLICA)
    here = build_server("0-7-5", server_id=8, channel=build_channel(), harmful_settings=(mode,))

    divergence = find_divergence(HERE, here, build_source_state("0-7-5"), None, DIALECT)

    assert divergence is not None
    assert divergence.skipped == "slave_exec_mode = IDEMPOTENT"
    assert divergence.has_skipped_only


@pytest.mark.parametrize(
    "here",
    [
        build_server(
            "0-7-5",
            server_id=8,
            harmful_settings=(ReplicationSetting("replicate_do_db", "d", ReplicationSide.REPLICA),),
        ),
        build_server(
            server_id=8,
            channel=build_channel(
                filters=(ReplicationSetting("replicate_do_db", "d", ReplicationSide.REPLICA),)
            ),
        ),
        build_server(
            "0-7-5",
            server_id=8,
            channel=build_channel(),
            harmful_settings=(
                ReplicationSetting("sql_slave_skip_counter", "1", ReplicationSide.REPLICA, is_pending=True),
            ),
        ),
        build_server(
            "0-7-5",
            server_id=8,
            channel=build_channel(),
            harmful_settings=(ReplicationSetting("binlog_ignore_db", "d", ReplicationSide.SOURCE),),
        ),
    ],
)
def test_a_setting_that_has_left_out_nothing_yet_is_not(here: ServerState) -> None:
    assert find_divergence(HERE, here, build_source_state("0-7-5"), None, DIALECT) is None


def test_what_was_left_out_stays_final_once_the_setting_is_gone() -> None:
    divergence = Divergence(HERE, skipped="replicate_ignore_db = d")
    observed = replace(
        build_observed(
            build_server("0-7-5", server_id=8, channel=build_channel()), build_source_state("0-7-5")
        ),
        divergence=divergence,
    )

    found = judge_state(build_desired_replica(), observed, build_memory(), DIALECT).worst_condition

    assert (found.name, found.state) == ("skipped changes", ConditionState.FINAL)
    assert "changes were left out while this replica had replicate_ignore_db = d" in found.actual
    assert "guestagent accept-source" in found.advice
    assert not plan_allowed_steps(build_desired_replica(), observed, build_memory(), DIALECT)


def test_a_setting_that_is_still_in_force_is_named_before_its_effect() -> None:
    mode = ReplicationSetting(
        "slave_exec_mode", "IDEMPOTENT", ReplicationSide.REPLICA, "SET GLOBAL slave_exec_mode = 'STRICT'"
    )
    here = build_server("0-7-5", server_id=8, channel=build_channel(), harmful_settings=(mode,))
    observed = replace(
        build_observed(here, build_source_state("0-7-5")), divergence=Divergence(HERE, skipped=str(mode))
    )

    assert (
        "SET GLOBAL"
        in judge_state(build_desired_replica(), observed, build_memory(), DIALECT).worst_condition.advice
    )
