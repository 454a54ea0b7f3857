"""A replica that has what its semi-synchronous source does not show yet."""

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


def waiting(**changes: Any) -> SourceState:
    shown = MysqlHistory.parse(f"{UUID}:1-5")
    seen = replace(
        build_source_state(), history=shown, uuid=UUID, waiting_session_count=1, acknowledgement_timeout=20.0
    )
    return replace(seen, **changes)


def test_what_waits_for_an_acknowledgement_is_pending_and_nothing_is_done() -> None:
    observed = ObservedState(AHEAD, source=waiting(), target_history=waiting().history)

    worst = judge_state(build_desired_replica(), observed, build_memory(), DIALECT).worst_condition

    assert (worst.name, worst.state) == ("history", ConditionState.PENDING)
    assert "acknowledgement" in worst.actual
    assert plan_allowed_steps(build_desired_replica(), observed, build_memory(), DIALECT) == ()


def test_a_source_is_believed_for_its_own_timeout() -> None:
    wait = AcknowledgementWait()

    seen = [
        wait.limit(AHEAD, waiting(), now).waiting_session_count
        for now in (100, 120 + ACKNOWLEDGEMENT_GRACE_S, 121 + ACKNOWLEDGEMENT_GRACE_S)
    ]

    assert seen == [1, 1, 0]


def test_a_source_that_has_shown_it_is_believed_anew() -> None:
    wait = AcknowledgementWait()
    wait.limit(AHEAD, waiting(), 100)
    wait.limit(AHEAD, waiting(history=AHEAD.history), 110)

    assert wait.limit(AHEAD, waiting(), 500).waiting_session_count == 1


def test_beyond_the_timeout_it_is_final() -> None:
    observed = ObservedState(AHEAD, source=waiting(waiting_session_count=0), target_history=waiting().history)

    worst = judge_state(build_desired_replica(), observed, build_memory(), DIALECT).worst_condition

    assert (worst.name, worst.state) == ("history", ConditionState.FINAL)
