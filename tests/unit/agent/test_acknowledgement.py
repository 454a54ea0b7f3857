"""A replica with transactions that its semi-synchronous source does not show yet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from guestagent.agent.acknowledgement import ACKNOWLEDGEMENT_GRACE_S, AcknowledgementWait
from guestagent.agent.model import ConditionState, ObservedState
from guestagent.database.mysql.gtid import MysqlHistory
from guestagent.database.state import SourceState
from tests.support.agent_states import (
    DIALECT,
    build_channel,
    build_desired_replica,
    build_memory,
    build_server,
    build_source_state,
    judge_state,
    plan_allowed_steps,
)

UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562"
AHEAD = build_server(server_id=8, history=MysqlHistory.parse(f"{UUID}:1-6"), channel=build_channel())


def build_waiting_source(**changes: Any) -> SourceState:
    shown = MysqlHistory.parse(f"{UUID}:1-5")
    counts = replace(
        build_source_state(), history=shown, uuid=UUID, waiting_session_count=1, acknowledgement_timeout=20.0
    )
    return replace(counts, **changes)


def test_unacknowledged_transactions_are_pending_and_nothing_is_planned() -> None:
    observed = ObservedState(
        AHEAD, source=build_waiting_source(), target_history=build_waiting_source().history
    )

    worst = judge_state(build_desired_replica(), observed, build_memory(), DIALECT).worst_condition

    assert (worst.name, worst.state) == ("history", ConditionState.PENDING)
    assert "acknowledgement" in worst.actual
    assert plan_allowed_steps(build_desired_replica(), observed, build_memory(), DIALECT) == ()


def test_waiting_sessions_count_until_the_sources_timeout() -> None:
    wait = AcknowledgementWait()

    counts = [
        wait.limit(AHEAD, build_waiting_source(), now).waiting_session_count
        for now in (100, 120 + ACKNOWLEDGEMENT_GRACE_S, 121 + ACKNOWLEDGEMENT_GRACE_S)
    ]

    assert counts == [1, 1, 0]


def test_the_timeout_starts_again_after_the_source_has_caught_up() -> None:
    wait = AcknowledgementWait()
    wait.limit(AHEAD, build_waiting_source(), 100)
    wait.limit(AHEAD, build_waiting_source(history=AHEAD.history), 110)

    assert wait.limit(AHEAD, build_waiting_source(), 500).waiting_session_count == 1


def test_unacknowledged_transactions_are_final_after_the_timeout() -> None:
    observed = ObservedState(
        AHEAD,
        source=build_waiting_source(waiting_session_count=0),
        target_history=build_waiting_source().history,
    )

    worst = judge_state(build_desired_replica(), observed, build_memory(), DIALECT).worst_condition

    assert (worst.name, worst.state) == ("history", ConditionState.FINAL)
